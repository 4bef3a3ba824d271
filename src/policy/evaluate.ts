// Finds out whether a rule holds for a recipient. Each value of the mail is read and prepared once for all rules.
// A missing value matches nothing. Rejects only when a value can't be read, or the match budget is spent.

import type { Content } from '../mail/content'
import type { MailFacts, RecipientFacts } from '../mail/facts'
import type { Refusal } from '../mail/refusal'
import { UnreadableError } from '../mail/unreadable'
import type { EpochMs } from '../units'
import { holdsForOne, type MatchBudget } from './match-budget'
import { matches } from './patterns'
import type { Condition, Rule } from './rule'
import { readingSubject, Subject, subjectsOf } from './subject'

/** The values that a condition compares. */
export interface Asked {
  subjects: readonly Subject[]
  /** The values were cut, so "none matches" proves nothing. */
  isCut: boolean
}

/** Returns the values for a condition, for one recipient of one mail. */
export interface Values {
  (condition: Condition): Asked | Promise<Asked>
  /** The values, without reading content for them. Undefined: it isn't read yet. */
  known(condition: Condition): Asked | undefined
}

/** Returns the values for each recipient of a mail. Values that don't depend on the recipient are shared. */
export function valuesByRecipient(
  facts: MailFacts,
  nowMs: EpochMs,
  budget: MatchBudget,
): (recipient: RecipientFacts) => Values {
  const shared = new Map<string, Asked>()
  return recipient => {
    const own = new Map<string, Asked>()
    const values = ({ field, member }: Condition): Asked | Promise<Asked> => {
      const known = field.perRecipient ? own : shared
      const id = idOf(field, member)
      const asked = known.get(id)
      if (asked !== undefined) return asked
      const read = (content?: Content) => {
        const question = { facts, recipient, nowMs, ...(content && { content }) }
        // content was cut when it was read
        const limit = content && Number.POSITIVE_INFINITY
        const subjects = [
          ...field.read(question, member).flatMap(value => subjectsOf(field, value, limit)),
          ...(field.otherReadings?.(question).map(readingSubject) ?? []),
        ]
        const isCut = (field.isCut?.(question, member) ?? false) || subjects.some(subject => subject.isCut)
        const made = { subjects, isCut }
        known.set(id, made)
        return made
      }
      return field.phase === 'content' ? budget.without(() => facts.content()).then(read) : read()
    }
    const known = (condition: Condition): Asked | undefined => {
      const { field, member } = condition
      if (field.phase === 'content') return shared.get(idOf(field, member))
      const asked = values(condition)
      return asked instanceof Promise ? undefined : asked
    }
    return Object.assign(values, { known })
  }
}

function idOf({ name }: Condition['field'], member: string): string {
  return member === '' ? name : name + member
}

/** The same values, with those of one refusal of the recipient. */
export function valuesWithRefusal(values: Values, refusal: Refusal): Values {
  const read = new Map<string, Asked>()
  const ofRefusal = ({ field }: Condition): Asked | undefined => {
    if (field.ofRefusal === undefined) return undefined
    const asked = read.get(field.name) ?? { subjects: [new Subject(field.ofRefusal(refusal))], isCut: false }
    read.set(field.name, asked)
    return asked
  }
  return Object.assign((condition: Condition) => ofRefusal(condition) ?? values(condition), {
    known: (condition: Condition) => ofRefusal(condition) ?? values.known(condition),
  })
}

/** `unknown`: nothing matches in the part of a long value that could be read. */
type Held = boolean | 'unknown'

/**
 * Returns the first condition that doesn't hold. Undefined: the rule holds.
 * @throws UnreadableError where that depends on content that can't be read
 */
export function failingCondition(
  { conditions }: Pick<Rule, 'conditions'>,
  values: Values,
  budget: MatchBudget,
): Condition | undefined | Promise<Condition | undefined> {
  return failingFrom(conditions, 0, undefined, values, budget)
}

/** `unknown`: the first earlier condition of which it isn't known whether it holds. */
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
    throw new UnreadableError(`"${cut.key}" needs a value that could not be read completely`)
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
