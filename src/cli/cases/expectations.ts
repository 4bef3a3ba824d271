// What a case expects, as it is read: of the rule, the action, the reason, the reply, the text of the bounce.
// Never throws: a rule that isn't there, or a word that can't be, is reported at its line.

import { didYouMean } from '../../config/diagnostics'
import type { IniSection } from '../../config/ini'
import { FALLBACK_REASONS, type FallbackReason } from '../../config/settings'
import { ACTIONS } from '../../policy/decision'
import type { Policy } from '../../policy/rule'
import { EXPECTABLE, type Expectable, type Expectation, NONE } from './case'
import type { CaseValues } from './values'

/** What only the queue knows of a mail, and what it isn't asked here. */
const OF_THE_QUEUE: readonly FallbackReason[] = ['overload', 'ended', 'capped', 'full']
const REASONS = [NONE, ...FALLBACK_REASONS.filter(reason => !OF_THE_QUEUE.includes(reason))]

export function readExpectations(section: IniSection, values: CaseValues, policy: Policy): Expectation[] {
  const read: Record<Expectable, () => string[] | undefined> = {
    rule: () => rules(values, policy),
    action: () => values.someOf('expect.action', ACTIONS),
    reason: () => values.someOf('expect.reason', REASONS),
    reply: () => whole(values, 'expect.reply'),
    text: () => whole(values, 'expect.text'),
  }
  if (!EXPECTABLE.some(what => values.has(`expect.${what}`)))
    values.faultOf(
      section.line,
      `nothing is expected; valid are ${EXPECTABLE.map(what => `expect.${what}`).join(', ')}`,
    )
  return EXPECTABLE.flatMap(what => {
    const wanted = read[what]()
    return wanted === undefined ? [] : [{ what, line: values.lineOf(`expect.${what}`), values: wanted }]
  })
}

function rules(values: CaseValues, policy: Policy): string[] | undefined {
  const names = [NONE, ...policy.rules.map(({ name }) => name)]
  const wanted = values.list('expect.rule')
  const unknown = wanted?.find(name => !names.includes(name))
  if (unknown === undefined) return wanted
  return values.fault(
    'expect.rule',
    `can't be "${unknown}": there is no such rule${didYouMean(unknown, names)}`,
  )
}

function whole(values: CaseValues, key: string): string[] | undefined {
  const text = values.text(key)
  return text === ''
    ? values.fault(key, `needs a value; ${NONE} where there is to be nothing`)
    : text === undefined
      ? undefined
      : [text]
}
