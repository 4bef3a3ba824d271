// What all parts of the play share.

import type { SesEmulator } from '../src/ses-emulator/options'
import type { Terminal } from './terminal'

export interface Stage {
  /** Haraka's. */
  dir: string
  port: number
  ses: SesEmulator
  terminal: Terminal
  stop: AbortSignal
}
