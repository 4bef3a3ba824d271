// The output for many mails: a line for each recipient, and a summary of the outcomes.

import type { ExplainedDecision } from './explanation'
import { addressText, count } from './words'

/** The number of recipients with that outcome. */
export interface SumEntry {
  action: ExplainedDecision['action']
  rule: string | null
  reason: ExplainedDecision['reason']
  recipients: number
}

export interface Sum {
  mails: number
  /** The number of mails that could not be explained. */
  faults: number
  /** Most frequent first. */
  decisions: SumEntry[]
}

/** `quarantine [programs] unsafe: null sender` */
export function decisionText({ action, rule, reason, detail }: ExplainedDecision): string {
  return [
    action,
    ...(rule === null ? [] : [`[${rule}]`]),
    ...(reason === null ? [] : [`${reason}: ${detail ?? ''}`]),
  ].join(' ')
}

export function lineOf(name: string, decision: ExplainedDecision): string {
  return `${name}: ${addressText(decision.recipient)} -> ${decisionText(decision)}`
}

export class Summer {
  readonly #entries = new Map<string, SumEntry>()
  #mails = 0
  #faults = 0

  add(decisions: readonly ExplainedDecision[]): void {
    this.#mails++
    for (const { action, rule, reason } of decisions) {
      const key = JSON.stringify([action, rule, reason])
      const entry = this.#entries.get(key) ?? { action, rule, reason, recipients: 0 }
      entry.recipients++
      this.#entries.set(key, entry)
    }
  }

  addFault(): void {
    this.#mails++
    this.#faults++
  }

  sum(): Sum {
    const decisions = [...this.#entries.values()].toSorted((a, b) => b.recipients - a.recipients)
    return { mails: this.#mails, faults: this.#faults, decisions }
  }
}

export function sumLines({ mails, faults, decisions }: Sum): string[] {
  const recipients = decisions.reduce((sum, entry) => sum + entry.recipients, 0)
  const numbers = decisions.map(entry => entry.recipients.toLocaleString('en-US'))
  const width = Math.max(0, ...numbers.map(({ length }) => length))
  return [
    '',
    `${count(mails, 'mail')}, ${count(recipients, 'recipient')}`,
    ...decisions.map(({ action, rule, reason }, index) =>
      [
        `  ${numbers[index]?.padStart(width)} `,
        action,
        ...(rule === null ? [] : [`[${rule}]`]),
        ...(reason === null ? [] : [reason]),
      ].join(' '),
    ),
    ...(faults > 0 ? [`  ${count(faults, 'mail')} could not be explained`] : []),
  ]
}
