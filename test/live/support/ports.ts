// Free ports of loopback for servers that can't be told to take any, as Haraka. A server of a test listens on port 0.
// Each process of a test run has a block of ports of its own, so that no two of them give out the same one. A process
// holds its block by listening on the first port of it; the system lets go of that when the process ends.

import { createServer, type Server } from 'node:net'

/**
 * Below the ports that Linux gives to connections (ip_local_port_range: from 32768 on), and below those that the demo
 * and the benchmarks choose from.
 */
const FIRST_PORT = 10_000
const BLOCKS = 100
const BLOCK_PORTS = 200

let block: Promise<number> | undefined
let given = 0

/** Not given again until all others of the block were. */
export async function freePort(): Promise<number> {
  block ??= holdBlock()
  const first = await block
  for (let tried = 1; tried < BLOCK_PORTS; tried++) {
    given = (given % (BLOCK_PORTS - 1)) + 1
    const port = first + given
    if (await canListen(port)) return port
  }
  throw new Error(`all ports from ${first + 1} to ${first + BLOCK_PORTS - 1} are in use`)
}

/** Its first port. */
async function holdBlock(): Promise<number> {
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = FIRST_PORT + ((process.pid + tried) % BLOCKS) * BLOCK_PORTS
    const guard = await listen(first)
    if (guard === undefined) continue
    // it doesn't keep the process alive
    guard.unref()
    return first
  }
  throw new Error(`${BLOCKS} processes hold all ports from ${FIRST_PORT} on`)
}

async function canListen(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server === undefined) return false
  await new Promise(resolve => server.close(resolve))
  return true
}

/** Undefined: it can't be listened on. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer(socket => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
