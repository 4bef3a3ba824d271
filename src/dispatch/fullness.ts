// Warns in the log when mail on disk fills [quarantine] limit: from 80 % on once an hour, and once when it is full.

import { formatSize } from '../config/values'
import type { MonoMs } from '../units'
import type { KeptMailParts } from './kept-mail'

/** The part of the limit from which it warns, so that there is time to act. */
const NEARLY = 0.8
const AGAIN_MS = 3_600_000

export class Fullness {
  readonly #parts: Pick<KeptMailParts, 'ledger' | 'settings' | 'clock' | 'log'>
  #said: { full: boolean; atMonoMs: MonoMs } | undefined

  constructor(parts: Pick<KeptMailParts, 'ledger' | 'settings' | 'clock' | 'log'>) {
    this.#parts = parts
  }

  async look(): Promise<void> {
    const { ledger, settings, clock, log } = this.#parts
    const { kept, quarantine } = await ledger.totals()
    const { limitBytes } = settings().quarantine
    const bytes = kept.bytes + quarantine.bytes
    if (bytes < limitBytes * NEARLY) return
    const full = bytes >= limitBytes
    const isNews = this.#said === undefined || (full && !this.#said.full)
    if (!isNews && clock.monoMs() - (this.#said?.atMonoMs ?? 0) < AGAIN_MS) return
    this.#said = { full, atMonoMs: clock.monoMs() }
    const percent = Math.floor((bytes / limitBytes) * 100)
    log(
      'warn',
      `quarantine: ${formatSize(bytes)} of ${formatSize(limitBytes)} are filled (${percent} %), by ${kept.mails + quarantine.mails} mails; further mail gets [fallback] full`,
    )
  }
}
