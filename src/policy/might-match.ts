// Finds out, before recipients of record are looked for, whether any rule can hold for a mail. It asks for the known
// facts of the envelope, the header and other plugins' results, but not for the content.
// It may answer yes too often, but never no for a mail that a rule would decide about.

import type { MailFacts, RecipientFacts } from '../mail/facts'
import type { EpochMs } from '../units'
import type { CheapFacts, Field, Question } from './fields'
import { glance, type YieldPolicy } from './match-budget'
import { matches } from './patterns'
import type { Condition, Policy } from './rule'
import { type Subject, subjectsOf } from './subject'

/** False: every recipient is accepted, and no rule in mode observe holds, whatever the content is. */
export function mightMatchAnyRule(
  policy: Policy,
  cheap: CheapFacts,
  yieldPolicy: YieldPolicy = glance(),
): boolean {
  // a refused recipient is never accepted, even if no rule holds
  if (cheap.envelope.recipients.some(({ refusals }) => refusals !== undefined && refusals.length > 0))
    return true
  const candidatesFor = candidatesOnce(cheap)
  const subjectsFor = (condition: Condition) => candidatesFor(condition)?.subjects
  for (const { mode, outcome, conditions } of policy.index.candidates(subjectsFor)) {
    if (outcome.action === 'accept' && mode === 'enforce') continue
    if (yieldPolicy.isDue() || mayHold(conditions, candidatesFor, yieldPolicy)) return true
  }
  return false
}

interface Candidates {
  subjects: readonly Subject[]
  /** The field has exactly one of these values. Else it has all of them. */
  areAlternatives: boolean
}

/** Gives the possible values of a condition's field. Undefined: they aren't known. */
type CandidatesFor = (condition: Condition) => Candidates | undefined

function candidatesOnce(cheap: CheapFacts): CandidatesFor {
  const known = new Map<Field | string, Candidates | undefined>()
  return ({ field, member }) => {
    const id = member === '' ? field : field.name + member
    const before = known.get(id)
    if (before !== undefined || known.has(id)) return before
    const candidates = candidatesOf(field, member, cheap)
    known.set(id, candidates)
    return candidates
  }
}

function candidatesOf(field: Field, member: string, cheap: CheapFacts): Candidates | undefined {
  if (field.candidates !== undefined) return candidates(field, field.candidates(cheap), true)
  if (field.perRecipient || field.phase === 'content') return undefined
  const { facts, nowMs } = cheap
  if (facts === undefined) return undefined
  const question = new MailQuestion(facts, nowMs)
  return field.isCut?.(question, member) ? undefined : candidates(field, field.read(question, member), false)
}

/** A class, as a getter in an object literal would keep each mail until the next full garbage collection. */
class MailQuestion implements Question {
  readonly facts: MailFacts
  readonly nowMs: EpochMs

  constructor(facts: MailFacts, nowMs: EpochMs) {
    this.facts = facts
    this.nowMs = nowMs
  }

  /** Only asked by fields that depend on it. */
  get recipient(): RecipientFacts {
    return this.facts.recipients[0] as RecipientFacts
  }
}

/** Undefined: a value was cut, and the missing part may match. */
function candidates(
  field: Field,
  values: readonly (string | number)[] | undefined,
  areAlternatives: boolean,
): Candidates | undefined {
  if (values === undefined) return undefined
  // sender and recipient of record are mostly those of the envelope
  const different = values.length > 1 ? [...new Set(values)] : values
  const subjects: Subject[] = []
  for (const value of different) {
    for (const subject of subjectsOf(field, value)) {
      if (subject.isCut) return undefined
      subjects.push(subject)
    }
  }
  return { subjects, areAlternatives }
}

function mayHold(
  conditions: readonly Condition[],
  candidatesFor: CandidatesFor,
  yieldPolicy: YieldPolicy,
): boolean {
  for (const condition of conditions) {
    const known = candidatesFor(condition)
    if (known !== undefined && !mayBe(condition, known, yieldPolicy)) return false
  }
  return true
}

function mayBe(
  { matcher, negated }: Condition,
  { subjects, areAlternatives }: Candidates,
  yieldPolicy: YieldPolicy,
): boolean {
  let isAnyMatch = false
  for (const subject of subjects) {
    if (yieldPolicy.isDue()) return true
    const answer = matches(matcher, subject, yieldPolicy)
    // a pending answer counts as yes
    if (typeof answer !== 'boolean') return true
    if (areAlternatives && answer !== negated) return true
    isAnyMatch ||= answer
  }
  return !areAlternatives && isAnyMatch !== negated
}
