// Finds the refusals that are no policy about the mail: they always stand, whatever the rules say. Pure.

import type { Refusal } from './refusal'
import { alwaysStands } from './refusing-plugins'

/**
 * RFC 5321 section 4.2.2 (500 to 504: the command), RFC 7504 (521: the host takes no mail), RFC 4954 section 6 (530,
 * 534, 535, 538: the login): Haraka and the server behind it don't get on.
 */
const FAULT_CODES: ReadonlySet<number> = new Set([500, 501, 502, 503, 504, 521, 530, 534, 535, 538])

/**
 * RFC 3463: 5.4.6 a routing loop, 5.5.x the protocol. Exchange Online: 5.7.54 can't relay, 5.7.57 not logged in,
 * 5.7.606 to 5.7.649 the address of Haraka is banned.
 */
const FAULT_STATUS = /^5\.(?:4\.6|5\.\d+|7\.(?:54|57|60[6-9]|6[1-4]\d))$/

/** Words of servers that refuse Haraka itself. */
const FAULT_WORDS = /relay|not authenticated|blocked using|banned/i

/** The reason in few words; undefined: a rule may make something else of it. */
export function standsAlways({ by, stage, code, status, reply }: Refusal): string | undefined {
  if (alwaysStands(by)) return `refusals of ${by} always stand`
  if (code < 400) return `${code} is no refusal`
  if (code < 500 && stage !== 'delivery') return 'a temporary refusal'
  if (FAULT_CODES.has(code)) return `${code} is a fault behind Haraka`
  if (FAULT_STATUS.test(status)) return `${status} is a fault behind Haraka`
  // a word in the address of a recipient tells nothing
  const word = FAULT_WORDS.exec(reply.replace(/\S+@\S+/g, ''))?.[0]
  return word === undefined ? undefined : `its words, "${word.toLowerCase()}", tell of a fault behind Haraka`
}
