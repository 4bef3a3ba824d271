// The amount of mail on disk and its limit, in words and as data. Pure.

import { formatSize } from '../config/values'
import type { MailPlace, StoredMail } from '../queue/mail-ledger'

type Totals = Record<MailPlace, StoredMail>

/** `96 kB of 1.0 GB are filled: 3 mails in the quarantine, none waits for its bounces` */
export function mailTotalText({ kept, quarantine }: Totals, limitBytes: number): string {
  const mails = (n: number) => (n === 0 ? 'none' : `${n.toLocaleString('en-US')} mail${n === 1 ? '' : 's'}`)
  const waits = kept.mails > 1 ? 'wait for their' : 'waits for its'
  const sum = formatSize(kept.bytes + quarantine.bytes)
  return `${sum} of ${formatSize(limitBytes)} are filled: ${mails(quarantine.mails)} in the quarantine, ${mails(kept.mails)} ${waits} bounces`
}

export function mailTotalData({ kept, quarantine }: Totals, limitBytes: number): Record<string, unknown> {
  return { limitBytes, kept, quarantine }
}
