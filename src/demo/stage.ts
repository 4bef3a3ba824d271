// What all parts of the play share.

import type { LocalSes } from '../local-ses/options'
import type { StatusPage } from './status-page'
import type { Terminal } from './terminal'

export interface Stage {
  /** Haraka's. */
  dir: string
  port: number
  /** Undefined: there is none. */
  page: StatusPage | undefined
  ses: LocalSes
  terminal: Terminal
  stop: AbortSignal
}
