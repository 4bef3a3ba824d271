// Routes on a real express, as Haraka mounts them, in this process.

import { once } from 'node:events'
import http, { type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ActiveConfig } from '../../src/app/active-config'
import type { HttpToken } from '../../src/config/http-tokens'
import { sha256 } from '../../src/config/secret'
import type { WebApp } from '../../src/haraka/web-server'
import { mount, type ServingContext } from '../../src/http/mount'
import type { Route } from '../../src/http/router'
import type { WrongTokens } from '../../src/http/wrong-tokens'
import { SETTINGS } from '../policy/support'

export const TOKEN = 'a-token-for-the-tests'
export const bearer = { Authorization: `Bearer ${TOKEN}` }

// express ships no types
const express = require('express') as () => WebApp & Parameters<typeof http.createServer>[1]

export interface Served {
  url: string
  port: number
  server: Server
  /** The lines of the log. */
  log: string[]
  close(): Promise<void>
}

/** `token`: '' is none. */
export function servingContext(log: string[], token = TOKEN): ServingContext {
  const tokens: HttpToken[] = token === '' ? [] : [{ name: 'token', role: 'operate', sha256: sha256(token) }]
  const http = { hosts: [], tokens }
  const activeConfig = {
    settings: { ...SETTINGS, http },
    webNames: new Set(['mx.yours.example']),
  } as Partial<ActiveConfig> as ActiveConfig
  return {
    activeConfig: () => activeConfig,
    log: (level, message) => void log.push(`${level}: ${message}`),
    nowMonoMs: () => performance.now(),
  }
}

/** `more`: routes that are made with the context. */
export async function serveRoutes<C extends ServingContext = ServingContext>(
  routes: readonly Route[],
  makeContext: (log: string[]) => C,
  more: (context: C) => Route[] = () => [],
  wrongTokens?: (context: C) => WrongTokens,
): Promise<Served> {
  const log: string[] = []
  const app = express()
  const context = makeContext(log)
  mount(app, [...routes, ...more(context)], context, wrongTokens?.(context))
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
