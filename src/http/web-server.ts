// What of Haraka's web server (an express app) is used, as types. Nothing here imports Haraka or express.

import type { IncomingMessage, ServerResponse } from 'node:http'

export interface HarakaServer {
  /** Haraka without `listen` in http.ini, or without express, has no app. */
  http?: { app?: WebApp }
}

export interface WebApp {
  use(handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void): unknown
}
