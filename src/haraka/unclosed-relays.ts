// Finds relays that remove the field that closes SES's results from most mail: such mail is never bounced, and only the
// administrator can change that. Warns once an hour for each relay.

import type { Receipt } from '../mail/facts'
import { NOT_ABOVE, NOT_CLOSED } from '../mail/ses-block'
import type { MonoMs } from '../units'
import { MostMail } from './most-mail'

export class UnclosedRelays {
  readonly #mostMail = new MostMail()

  /** Counts a mail. Returns a warning for the log, at most once an hour. */
  note(relayIp: string, receipt: Receipt | undefined, nowMonoMs: MonoMs): string | undefined {
    if (receipt === undefined) return undefined
    const { flaw } = receipt.authentication
    const isUnclosed = flaw === NOT_CLOSED || flaw === NOT_ABOVE
    return this.#mostMail.note(relayIp, isUnclosed, nowMonoMs)
      ? `most mail of the relay ${relayIp} proves no sender, so it isn't bounced: ${flaw ?? NOT_CLOSED}; the relay must leave SES's fields unchanged`
      : undefined
  }
}
