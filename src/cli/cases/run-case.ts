// Runs a case through the plugin's own code, and reports differences from the expectations, with recipient and reason.
// A temporary refusal differs from every expectation.

import { RULES_FILE } from '../../app/active-config'
import { Glob } from '../../policy/glob'
import { fold } from '../../policy/subject'
import type { Fault } from '../explain/assumed'
import type { ConfigContext } from '../explain/config-context'
import { type Asked, explainBriefly, explainWhole } from '../explain/explain-mail'
import type { ExplainedRule } from '../explain/explained-rule'
import type { ExplainedDecision, Explanation } from '../explain/explanation'
import { count, failedText } from '../explain/words'
import { type Expectation, NONE, type TestCase } from './case'

export interface Difference {
  /** `expect.rule` */
  key: string
  line: number
  /** The recipient of record. Undefined: it is about the mail. */
  recipient?: string
  expected: string
  got: string
}

export interface CaseResult {
  name: string
  line: number
  differences: Difference[]
  /** A line for each recipient with another outcome. */
  reasons: { recipient: string; why: string }[]
  /** The reason why nothing was decided. */
  fault?: string
}

export async function runCase(
  { name, line, raw, given, results, expectations }: TestCase,
  asked: Omit<Asked, 'given' | 'results'>,
  ground: ConfigContext,
): Promise<CaseResult> {
  const [mail, all] = [await raw(), { ...asked, given, results }]
  const explained = await explainBriefly(mail, all, ground)
  if ('fault' in explained) return { name, line, differences: [], reasons: [], ...faultOf(explained.fault) }
  const differences = expectations
    .toSorted((a, b) => a.line - b.line)
    .flatMap(expectation => differencesOf(expectation, explained.value.decisions))
  if (differences.length === 0) return { name, line, differences, reasons: [] }
  const whole = await explainWhole(mail, all, ground)
  const reasons = 'fault' in whole ? [] : reasonsOf(differences, expectations, whole.value)
  return { name, line, differences, reasons }
}

function faultOf({ why, isUnaddressed }: Fault): { fault: string } {
  return { fault: isUnaddressed ? `${why}; envelope.recipient = names them` : why }
}

function differencesOf(expectation: Expectation, decisions: readonly ExplainedDecision[]): Difference[] {
  const { what, line, values } = expectation
  const [key, expected] = [`expect.${what}`, values.join(', ')]
  if (what === 'reply' || what === 'text') return textDifferences(expectation, decisions)
  if (values.length > 1 && values.length !== decisions.length)
    return [{ key, line, expected, got: `a mail with ${count(decisions.length, 'recipient')}` }]
  return decisions.flatMap((decision, index) => {
    const wanted = values[index] ?? values[0] ?? NONE
    const got = decision[what] ?? NONE
    return got === wanted ? [] : [{ key, line, recipient: decision.recipient, expected: wanted, got }]
  })
}

/** The differences of the recipients that have such a text. */
function textDifferences(
  { what, line, values }: Expectation,
  decisions: readonly ExplainedDecision[],
): Difference[] {
  const [key, expected = NONE] = [`expect.${what}`, values[0]]
  const texts = decisions.flatMap(({ recipient, reply, sendBounce }) => {
    const text = what === 'reply' ? reply : (sendBounce?.Explanation ?? null)
    return text === null ? [] : [{ recipient, text }]
  })
  if (texts.length === 0) return expected === NONE ? [] : [{ key, line, expected, got: NONE }]
  const pattern = new Glob(fold(expected))
  return texts
    .filter(({ text }) => !pattern.matches(fold(text)))
    .map(({ recipient, text }) => ({ key, line, recipient, expected, got: text }))
}

function reasonsOf(
  differences: readonly Difference[],
  expectations: readonly Expectation[],
  { decisions, rules }: Explanation,
): CaseResult['reasons'] {
  const wantedRules = expectations.find(({ what }) => what === 'rule')?.values ?? []
  return decisions.flatMap((decision, index) => {
    const { recipient } = decision
    if (!differences.some(difference => (difference.recipient ?? recipient) === recipient)) return []
    const wanted = wantedRules[index] ?? wantedRules[0]
    const own = rules.filter(rule => rule.recipient === recipient)
    const rule = wanted === decision.rule ? undefined : own.find(({ name }) => name === wanted)
    return [{ recipient, why: rule ? whyNot(rule, decision) : whySo(decision, own) }]
  })
}

/** The reason why the expected rule didn't decide. */
function whyNot(rule: ExplainedRule, decision: ExplainedDecision): string {
  if (rule.notAsked !== undefined) return `${RULES_FILE}:${rule.line} ${failedText(rule)}`
  if (rule.failed) return `${RULES_FILE}:${rule.failed.line} ${failedText(rule)}`
  if (rule.mode === 'observe')
    return `${RULES_FILE}:${rule.line} [${rule.name}] holds, but is in mode observe`
  return `${RULES_FILE}:${rule.line} [${rule.name}] holds, but [${decision.rule ?? ''}] above it decides`
}

function whySo(
  { rule, refused, action, reason, detail }: ExplainedDecision,
  rules: readonly ExplainedRule[],
): string {
  if (rule === null)
    return refused === null ? 'no rule holds' : `no rule holds, so the refusal by ${refused.by} stands`
  const line = rules.find(({ name }) => name === rule)?.line ?? 0
  const because = reason === null ? '' : `; not bounced: ${reason}, ${detail ?? ''}, so it is ${action}`
  return `${RULES_FILE}:${line} [${rule}] decides${because}`
}
