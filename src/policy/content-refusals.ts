// Whether a refusal says that the mail is spam or carries a virus: its sender is usually forged, whatever is proved. Pure.

import type { Refusal } from '../mail/refusal'
import { SPAM_JUDGES, VIRUS_SCANNERS } from '../mail/refusing-plugins'

/** FOUND in capitals is clamd's word; recipients are NOT FOUND. */
const VIRUS_WORDS = /virus|infected|malware/i
const CLAMD_WORD = /(?<!\bNOT )\bFOUND\b/
const SPAM_WORDS = /\bspam/i

export function tellsOfVirus({ by, reply }: Refusal): boolean {
  return VIRUS_SCANNERS.includes(by) || VIRUS_WORDS.test(reply) || CLAMD_WORD.test(reply)
}

export function tellsOfSpam({ by, reply }: Refusal): boolean {
  return SPAM_JUDGES.includes(by) || SPAM_WORDS.test(reply)
}
