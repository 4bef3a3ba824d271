// Whether a rule holds for a recipient. Each value of the mail is read and made ready once, however many rules ask for it.
// What a mail doesn't have matches nothing. Rejects only where content can't be read, or the mail's effort is spent.

import type { Content } from '../mail/content'
import type { MailFacts, RecipientFacts } from '../mail/facts'
import { type Answer, type Effort, holdsForOne, whenKnown } from './effort'
import { matches } from './patterns'
import type { Condition, Rule } from './rule'
import { Subject } from './subject'

/** What a condition looks at, in one mail and for one recipient. */
export type Values = (condition: Condition) => readonly Subject[] | Promise<readonly Subject[]>

/** For each recipient of a mail, its values; those that don't depend on the recipient are shared. */
export function valuesByRecipient(
  facts: MailFacts,
  nowMs: number,
  effort: Effort,
): (recipient: RecipientFacts) => Values {
  const shared = new Map<string, readonly Subject[]>()
  return recipient => {
    const own = new Map<string, readonly Subject[]>()
    return ({ field, member }) => {
      const known = field.perRecipient ? own : shared
      const id = member === '' ? field.name : field.name + member
      const subjects = known.get(id)
      if (subjects !== undefined) return subjects
      const read = (content?: Content) => {
        const question = { facts, recipient, nowMs, ...(content && { content }) }
        // content is cut already
        const limit = content && Number.POSITIVE_INFINITY
        const made = field.read(question, member).map(value => new Subject(value, limit))
        known.set(id, made)
        return made
      }
      return field.phase === 'content' ? effort.without(() => facts.content()).then(read) : read()
    }
  }
}

/** The first condition that doesn't hold; undefined: the rule holds. */
export function failingCondition(
  { conditions }: Pick<Rule, 'conditions'>,
  values: Values,
  effort: Effort,
  from = 0,
): Condition | undefined | Promise<Condition | undefined> {
  for (let at = from; at < conditions.length; at++) {
    const condition = conditions[at] as Condition
    const held = holds(condition, values(condition), effort)
    if (held === false) return condition
    if (held !== true)
      return held.then(yes => (yes ? failingCondition({ conditions }, values, effort, at + 1) : condition))
  }
  return undefined
}

function holds(
  condition: Condition,
  subjects: readonly Subject[] | Promise<readonly Subject[]>,
  effort: Effort,
): Answer {
  if (subjects instanceof Promise) return subjects.then(read => holds(condition, read, effort))
  const { matcher, negated } = condition
  return whenKnown(
    holdsForOne(subjects, subject => matches(matcher, subject, effort), effort),
    held => held !== negated,
  )
}
