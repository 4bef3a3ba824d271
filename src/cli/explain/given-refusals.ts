// The refusals that the user gives to `explain` and `test`, read as the plugin reads them from Haraka.
// Pure; a wrong value is a fault, in words.

import { didYouMean, validAre } from '../../config/diagnostics'
import type { Result } from '../../errors'
import { REFUSAL_STAGES, type Refusal, type RefusalStage } from '../../mail/refusal'
import { refusalOf } from '../../mail/refusal-text'
import { loadedName } from '../../mail/refusing-plugins'

export const REFUSED_FORM = 'PLUGIN STAGE REPLY, as "rcpt-ldap rcpt 550 5.1.1 No such user"'

/** Haraka's answer to DENY, unless the words begin with a code: connection.js, rcpt_respond and others. */
const DENY_CODE = 550

export function givenRefusal(by: string, stage: RefusalStage, reply: string): Refusal {
  return refusalOf({ by: loadedName(by), stage, code: DENY_CODE, text: reply })
}

/** `rcpt-ldap rcpt 550 5.1.1 No such user` */
export function parseRefused(text: string): Result<Refusal> {
  const [, by = '', word = '', reply = ''] = /^\s*(\S+)\s+(\S+)(?:\s+(.*))?$/s.exec(text) ?? []
  if (by === '') return { fault: `can't be "${text}"; write ${REFUSED_FORM}` }
  const stage = REFUSAL_STAGES.find(known => known === word)
  if (stage !== undefined) return { value: givenRefusal(by, stage, reply) }
  const hint = didYouMean(word, REFUSAL_STAGES) || validAre(REFUSAL_STAGES)
  return { fault: `names the unknown stage "${word}"${hint}` }
}
