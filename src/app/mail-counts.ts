// What this process counts of the mails that it looks at. In memory: a count never fails, and never waits.
// Words of a mail stand in the notes of decisions alone; labels are the policy's own.

import { type Diagnostic, formatDiagnostic } from '../config/diagnostics'
import { COUNTED, type DecisionNote } from '../queue/counters'
import type { MetricsBuffer } from '../queue/metrics-buffer'
import type { MailEvaluation } from './evaluate-mail'

type Mode = 'enforce' | 'observe'

export class MailCounts {
  readonly #metricsBuffer: MetricsBuffer
  readonly #nowMs: () => number

  constructor(metricsBuffer: MetricsBuffer, nowMs: () => number) {
    this.#metricsBuffer = metricsBuffer
    this.#nowMs = nowMs
  }

  /** A mail of a trusted relay, whatever comes of it. */
  inspected(): void {
    this.#metricsBuffer.count(COUNTED.inspected)
  }

  /** A mail was refused for now by a fault of ours. */
  faulted(): void {
    this.#metricsBuffer.count(COUNTED.deferred, { cause: 'fault' })
  }

  /** What was decided has come true, or was only to be observed. */
  evaluated({ facts, decisions, plan }: MailEvaluation, mode: Mode): void {
    const { envelope, receipt, recipients } = facts
    if (envelope.rcptCommands === 1 && receipt?.returnPath !== undefined)
      this.#metricsBuffer.onlyRecipient(this.#nowMs(), recipients[0]?.isBesideFor ?? false)
    if (plan.kind === 'refuse' && plan.temporary)
      this.#metricsBuffer.count(COUNTED.deferred, { cause: 'rule' })
    for (const { recipient, rule, action, fallback, observed } of decisions) {
      const mail = { ...ofMail(facts), recipient: recipient.address }
      for (const one of observed) {
        // a rule that couldn't be asked has decided nothing
        if (one.fault === undefined) this.#decided({ ...mail, action: one.action, rule: one.rule }, 'observe')
      }
      this.#decided({ ...mail, action, ...(rule !== undefined && { rule }), ...fallback }, mode)
      if (fallback) this.#metricsBuffer.count(COUNTED.fallbacks, { reason: fallback.reason, action, mode })
    }
  }

  /** Somebody has ordered a bounce to that recipient; `rule`: what stands in place of one. */
  ordered(note: { rule: string; sesId: string; sender: string; recipient: string }): void {
    this.#decided({ ...note, action: 'bounce' }, 'enforce')
  }

  /** The configuration's files were read, and that is what they were; with errors they didn't come into force. */
  read(state: string, errors: readonly Diagnostic[]): void {
    this.#metricsBuffer.reloaded({ atMs: this.#nowMs(), state, errors: errors.map(formatDiagnostic) })
  }

  #decided(note: Omit<DecisionNote, 'atMs' | 'isObserved'>, mode: Mode): void {
    const { rule, action } = note
    this.#metricsBuffer.count(COUNTED.decisions, { rule: rule ?? '', action, mode })
    // what no rule cares about would leave no room for what one does
    if (rule === undefined) return
    const atMs = this.#nowMs()
    this.#metricsBuffer.hit(rule, atMs)
    this.#metricsBuffer.decided({ ...note, atMs, isObserved: mode === 'observe' })
  }
}

function ofMail({ receipt, sender }: MailEvaluation['facts']): Pick<DecisionNote, 'sesId' | 'sender'> {
  return { sender, ...(receipt !== undefined && { sesId: receipt.sesId }) }
}
