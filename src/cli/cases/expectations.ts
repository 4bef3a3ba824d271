// Reads the expectations of a case: rule, action, reason, reply, and the text of the bounce.
// Never throws: an unknown rule or word is reported at its line.

import { didYouMean } from '../../config/diagnostics'
import type { IniSection } from '../../config/ini'
import { FALLBACK_REASONS, type FallbackReason } from '../../config/settings'
import { ACTIONS } from '../../policy/decision'
import type { Policy } from '../../policy/rule'
import { EXPECTABLE, type Expectable, type Expectation, NONE } from './case'
import type { CaseValues } from './values'

/** Reasons that depend on the queue, which test cases don't use. */
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
