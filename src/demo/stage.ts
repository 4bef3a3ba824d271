// What all parts of the play share.

import type { LocalSes } from '../local-ses/options'
import type { Terminal } from './terminal'

export interface Stage {
  /** Haraka's. */
  dir: string
  port: number
  ses: LocalSes
  terminal: Terminal
  stop: AbortSignal
}
