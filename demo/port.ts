// Finds loopback ports for Haraka: 2525 and 8080 if they are free, so that the documents' commands work unchanged.

import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

export interface Ports {
  smtp: number
  http: number
}

const USUAL: Ports = { smtp: 2525, http: 8080 }
/** Below the ports that Linux uses for connections (ip_local_port_range), so that none is taken before Haraka listens. */
const OTHERS = { first: 30_000, count: 2_768 }
const MOST_TRIES = 100

export async function pickPorts(): Promise<Ports> {
  const smtp = (await listen(USUAL.smtp)) ?? (await listenElsewhere())
  // the first port is held meanwhile, so the second is another one
  const http = (await listen(USUAL.http)) ?? (await listenElsewhere())
  const ports = { smtp: portOf(smtp) ?? USUAL.smtp, http: portOf(http) ?? USUAL.http }
  await Promise.all([smtp, http].map(closed))
  return ports
}

async function listenElsewhere(): Promise<Server | undefined> {
  for (let tried = 0; tried < MOST_TRIES; tried++) {
    const server = await listen(OTHERS.first + randomInt(OTHERS.count))
    if (server !== undefined) return server
  }
  return undefined
}

/** Undefined: the port isn't free. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address()
  return typeof address === 'object' ? address?.port : undefined
}

function closed(server: Server | undefined): Promise<void> {
  return new Promise(resolve => (server === undefined ? resolve() : server.close(() => resolve())))
}
