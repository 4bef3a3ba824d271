// Routes on a real express, as Haraka mounts them, in this process.

import { once } from 'node:events'
import http, { type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mount, type ServingContext } from '../../src/http/mount'
import type { Route } from '../../src/http/router'
import type { WebApp } from '../../src/http/web-server'
import { sha256 } from '../../src/settings/secret'
import { SETTINGS } from '../policy/support'

export const TOKEN = 'a-token-for-the-tests'
export const bearer = { Authorization: `Bearer ${TOKEN}` }

// express ships no types
const express = require('express') as () => WebApp & Parameters<typeof http.createServer>[1]

export interface Served {
  url: string
  port: number
  server: Server
  /** What was logged. */
  log: string[]
  close(): Promise<void>
}

/** Settings with the token, and whatever else a test needs. */
export function servingContext(log: string[], token: string | undefined = TOKEN): ServingContext {
  const http = token === undefined || token === '' ? {} : { tokenSha256: sha256(token) }
  const inForce = { settings: { ...SETTINGS, http } } as ReturnType<ServingContext['inForce']>
  return { inForce: () => inForce, log: (level, message) => void log.push(`${level}: ${message}`) }
}

export async function serveRoutes(
  routes: readonly Route[],
  makeContext: (log: string[]) => ServingContext = log => servingContext(log),
): Promise<Served> {
  const log: string[] = []
  const app = express()
  mount(app, routes, makeContext(log))
  const server = http.createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/ses-bounce`,
    port,
    server,
    log,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
