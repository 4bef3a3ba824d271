// Whether a rule holds for a recipient. Each value of the mail is read and made ready once, however many rules ask for it.
// Never throws: what a mail doesn't have matches nothing.

import type { MailFacts, RecipientFacts } from '../mail/facts'
import { matches } from './patterns'
import type { Condition, Rule } from './rule'
import { Subject } from './subject'

/** What a condition looks at, in one mail and for one recipient. */
export type Values = (condition: Condition) => readonly Subject[]

/** For each recipient of a mail, its values; those that don't depend on the recipient are shared. */
export function valuesByRecipient(facts: MailFacts, nowMs: number): (recipient: RecipientFacts) => Values {
  const shared = new Map<string, readonly Subject[]>()
  return recipient => {
    const own = new Map<string, readonly Subject[]>()
    return ({ field, member }) => {
      const known = field.perRecipient ? own : shared
      const id = member === '' ? field.name : field.name + member
      let subjects = known.get(id)
      if (subjects === undefined) {
        subjects = field.read({ facts, recipient, nowMs }, member).map(value => new Subject(value))
        known.set(id, subjects)
      }
      return subjects
    }
  }
}

/** The first condition that doesn't hold; undefined: the rule holds. */
export function failingCondition(rule: Rule, values: Values): Condition | undefined {
  return rule.conditions.find(condition => !holds(condition, values(condition)))
}

function holds(condition: Condition, subjects: readonly Subject[]): boolean {
  return subjects.some(subject => matches(condition.matcher, subject)) !== condition.negated
}
