// Whether a rule holds for a recipient. Each value of the mail is read and made ready once, however many rules ask for it.
// What a mail doesn't have matches nothing. Rejects only where what is asked for can't be read, or the mail's effort is spent.

import type { Content } from '../mail/content'
import type { MailFacts, RecipientFacts } from '../mail/facts'
import { UnreadableError } from '../mail/unreadable'
import { holdsForOne, type MatchBudget } from './match-budget'
import { matches } from './patterns'
import type { Condition, Rule } from './rule'
import { Subject } from './subject'

/** What a condition looks at. */
export interface Asked {
  subjects: readonly Subject[]
  /** There may be more than the subjects, or more of one of them: that none matches proves nothing. */
  isCut: boolean
}

/** What a condition looks at, in one mail and for one recipient. */
export type Values = (condition: Condition) => Asked | Promise<Asked>

/** For each recipient of a mail, its values; those that don't depend on the recipient are shared. */
export function valuesByRecipient(
  facts: MailFacts,
  nowMs: number,
  budget: MatchBudget,
): (recipient: RecipientFacts) => Values {
  const shared = new Map<string, Asked>()
  return recipient => {
    const own = new Map<string, Asked>()
    return ({ field, member }) => {
      const known = field.perRecipient ? own : shared
      const id = member === '' ? field.name : field.name + member
      const asked = known.get(id)
      if (asked !== undefined) return asked
      const read = (content?: Content) => {
        const question = { facts, recipient, nowMs, ...(content && { content }) }
        // content is cut already
        const limit = content && Number.POSITIVE_INFINITY
        const subjects = field.read(question, member).map(value => new Subject(value, limit))
        const isCut = (field.isCut?.(question, member) ?? false) || subjects.some(subject => subject.isCut)
        const made = { subjects, isCut }
        known.set(id, made)
        return made
      }
      return field.phase === 'content' ? budget.without(() => facts.content()).then(read) : read()
    }
  }
}

/** `unknown`: nothing matches, in what could be read of a value that is longer. */
type Held = boolean | 'unknown'

/**
 * The first condition that doesn't hold; undefined: the rule holds.
 * @throws UnreadableError where that depends on what can't be read
 */
export function failingCondition(
  { conditions }: Pick<Rule, 'conditions'>,
  values: Values,
  budget: MatchBudget,
): Condition | undefined | Promise<Condition | undefined> {
  return failingFrom(conditions, 0, undefined, values, budget)
}

/** `unknown`: the first of the conditions before of which nobody knows whether it holds. */
function failingFrom(
  conditions: readonly Condition[],
  from: number,
  unknown: Condition | undefined,
  values: Values,
  budget: MatchBudget,
): Condition | undefined | Promise<Condition | undefined> {
  let cut = unknown
  for (let at = from; at < conditions.length; at++) {
    const condition = conditions[at] as Condition
    const held = holds(condition, values(condition), budget)
    if (held === false) return condition
    if (held === 'unknown') cut ??= condition
    else if (held !== true) {
      return held.then(answer => {
        if (answer === false) return condition
        return failingFrom(
          conditions,
          at + 1,
          cut ?? (answer === true ? undefined : condition),
          values,
          budget,
        )
      })
    }
  }
  if (cut !== undefined)
    throw new UnreadableError(`"${cut.key}" asks for a value that could not be read whole`)
  return undefined
}

function holds(
  condition: Condition,
  asked: Asked | Promise<Asked>,
  budget: MatchBudget,
): Held | Promise<Held> {
  if (asked instanceof Promise) return asked.then(read => holds(condition, read, budget))
  const { matcher, negated } = condition
  const { subjects, isCut } = asked
  const heldOf = (found: boolean): Held => (!found && isCut ? 'unknown' : found !== negated)
  const found = holdsForOne(subjects, subject => matches(matcher, subject, budget), budget)
  return typeof found === 'boolean' ? heldOf(found) : found.then(heldOf)
}
