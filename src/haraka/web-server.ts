// Types for the used parts of Haraka's server and its web server (an express app). Imports neither Haraka nor express.

import type { IncomingMessage, ServerResponse } from 'node:http'

export interface HarakaServer {
  /** Node's cluster module, where Haraka has workers or will fork them. */
  cluster?: unknown
  /** Undefined: http.ini has no `listen`, or express isn't installed. */
  http?: { app?: WebApp }
}

export interface WebApp {
  use(handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void): unknown
}
