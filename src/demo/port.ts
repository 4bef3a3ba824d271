// Ports of loopback for Haraka: 2525 and 8080 when they are free, so that commands in documents work as they stand.

import { createServer, type Server } from 'node:net'

export interface Ports {
  smtp: number
  http: number
}

const USUAL: Ports = { smtp: 2525, http: 8080 }

export async function pickPorts(): Promise<Ports> {
  const smtp = (await listen(USUAL.smtp)) ?? (await listen(0))
  // while the first is held, no other can be the same
  const http = (await listen(USUAL.http)) ?? (await listen(0))
  const ports = { smtp: portOf(smtp) ?? USUAL.smtp, http: portOf(http) ?? USUAL.http }
  await Promise.all([smtp, http].map(closed))
  return ports
}

/** Undefined: it can't be listened on. 0 asks for any. */
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
