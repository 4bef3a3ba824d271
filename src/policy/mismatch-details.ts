// The words, in replies and in the log, for a recipient of record that can't be determined.
// docs/why-not-bounced.md explains each.

import type { Mismatch } from '../mail/facts'

export const MISMATCH_DETAILS: Readonly<Record<Mismatch, string>> = {
  unknown: 'recipient not known to SES',
  several: 'several recipients from a relay that rewrites them',
  noFor: "SES's receipt names no recipient",
  unattributed: 'recipient added by another plugin',
  mixedUp: 'LMTP may have refused another recipient',
  notAscii: 'recipient address is not ASCII',
}
