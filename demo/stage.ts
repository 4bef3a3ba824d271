// The values that all parts of the demo share.

import type { SesEmulator } from '../src/ses-emulator/options'
import type { Terminal } from './terminal'

export interface Stage {
  /** The Haraka directory. */
  dir: string
  port: number
  ses: SesEmulator
  terminal: Terminal
  stop: AbortSignal
}
