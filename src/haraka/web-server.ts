// What of Haraka's server, and of its web server (an express app), is used, as types. Nothing here imports Haraka or express.

import type { IncomingMessage, ServerResponse } from 'node:http'

export interface HarakaServer {
  /** Node's, where there are workers or will be. */
  cluster?: unknown
  /** Haraka without `listen` in http.ini, or without express, has no app. */
  http?: { app?: WebApp }
}

export interface WebApp {
  use(handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void): unknown
}
