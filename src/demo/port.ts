// A port of loopback for Haraka: 2525 when it is free, so that commands in documents work as they stand.

import { createServer } from 'node:net'

const USUAL_PORT = 2525

export async function pickPort(): Promise<number> {
  return (await listenOnce(USUAL_PORT)) ?? (await listenOnce(0)) ?? USUAL_PORT
}

/** The port that could be listened on; 0 asks for any. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' && address !== null ? address.port : undefined
      server.close(() => resolve(found))
    })
  })
}
