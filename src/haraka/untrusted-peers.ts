// Looks at one mail in a hundred of peers that aren't trusted: a peer that hands over SES's mail may be a relay that is
// missing in [relay] trusted. Each such peer is logged once an hour. Other mails only cost a count.

import type { MonoMs } from '../units'
import { hasOwnReceived } from './own-received'
import type { HarakaTransaction } from './types'

const ONE_IN = 100
const HOUR_MS = 3_600_000
/** The most peers that are logged in an hour: forged mail must not fill the log. */
const MOST_PEERS = 20
/** SES's Received is below those of a relay's own hops. */
const MOST_FIELDS = 3
/** Lines that are looked at, and characters of a field: SES's own has some 400. */
const MOST_LINES = 60
const LONGEST_FIELD = 2000

/** RFC 5321 section 4.4: the host that received the mail. */
const BY = /\bby\s{1,20}([a-z\d.-]{1,255})/gi
/** SES's hosts, the same as in src/mail/received.ts. */
const SES_HOST =
  /^(?:inbound-smtp|(?:open|auth|mtls)\.mail-manager-smtp)\.[a-z\d-]{1,63}\.amazonaws\.com(?:\.cn)?$/i

export class UntrustedPeers {
  #mails = 0
  readonly #told = new Set<string>()
  #hourEndsMonoMs = Number.NEGATIVE_INFINITY

  /** Whether this mail is to be looked at: the first, and each hundredth from there. */
  takes(): boolean {
    return this.#mails++ % ONE_IN === 0
  }

  /** A hint for the log about a peer that has handed over SES's mail. */
  hint(ip: string, nowMonoMs: MonoMs): string | undefined {
    if (nowMonoMs >= this.#hourEndsMonoMs) {
      this.#told.clear()
      this.#hourEndsMonoMs = nowMonoMs + HOUR_MS
    }
    if (this.#told.has(ip) || this.#told.size >= MOST_PEERS) return undefined
    this.#told.add(ip)
    return `${ip} hands over mail that SES received, and isn't in [relay] trusted, so no rule is asked about it; add it if it is your relay (docs/relays.md)`
  }
}

/** Whether SES's Received is one of the first. Forged ones look the same: nothing is decided by it. */
export function isFromSes(transaction: Pick<HarakaTransaction, 'header_lines' | 'uuid'>): boolean {
  const lines = transaction.header_lines.slice(0, MOST_LINES)
  const fields: string[] = []
  let isReceived = false
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      if (isReceived) fields.push(`${fields.pop() ?? ''}${line.slice(0, LONGEST_FIELD)}`)
      continue
    }
    isReceived = /^received:/i.test(line)
    if (isReceived) fields.push(line.slice(0, LONGEST_FIELD))
  }
  return fields
    .slice(hasOwnReceived(transaction) ? 1 : 0)
    .slice(0, MOST_FIELDS)
    .some(field =>
      [...field.slice(0, LONGEST_FIELD).matchAll(BY)].some(([, host = '']) => SES_HOST.test(host)),
    )
}
