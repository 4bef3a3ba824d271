// Finds relays that ask for no bounce with most mail, by NOTIFY=NEVER at RCPT (RFC 3461 section 4.1): that stops all bounces,
// and only the administrator can change it. Warns once an hour for each relay.

import type { MonoMs } from '../units'
import { MostMail } from './most-mail'

export class NeverRelays {
  readonly #mostMail = new MostMail()

  /** Counts a mail. `isNever`: with each of its recipients. Returns a warning for the log, at most once an hour. */
  note(relayIp: string, isNever: boolean, nowMonoMs: MonoMs): string | undefined {
    return this.#mostMail.note(relayIp, isNever, nowMonoMs)
      ? `most mail of the relay ${relayIp} comes with NOTIFY=NEVER, so it isn't bounced: the relay must not send that with RCPT TO (docs/relays.md)`
      : undefined
  }
}
