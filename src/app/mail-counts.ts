// Counts the mails that this process evaluates. In memory, so counting never fails and never waits.
// Only notes of decisions hold text from a mail; labels of metrics are the policy's own words.

import { type Diagnostic, formatDiagnostic } from '../config/diagnostics'
import type { MailFacts } from '../mail/facts'
import type { Refusal } from '../mail/refusal'
import type { Decision } from '../policy/decision'
import { reasonKind } from '../quarantine/reasons'
import { COUNTED, type DecisionNote } from '../queue/counters'
import type { MetricsBuffer } from '../queue/metrics-buffer'
import type { EpochMs } from '../units'
import type { Jobs, MailEvaluation } from './evaluate-mail'
import type { Plan } from './plan'

type Mode = 'enforce' | 'observe'

/** `kept`: quarantined or dropped; `stood`: the relay heard it, or Haraka's own DSN told of it. */
export type RefusalOutcome = 'bounced' | 'kept' | 'stood' | 'deferred' | 'observed'

export class MailCounts {
  readonly #metricsBuffer: MetricsBuffer
  readonly #nowMs: () => EpochMs

  constructor(metricsBuffer: MetricsBuffer, nowMs: () => EpochMs) {
    this.#metricsBuffer = metricsBuffer
    this.#nowMs = nowMs
  }

  /** Counts a mail of a trusted relay. */
  inspected(): void {
    this.#metricsBuffer.count(COUNTED.inspected)
  }

  /** Counts a mail all of whose recipients came with NOTIFY=NEVER. */
  notifyNever(): void {
    this.#metricsBuffer.count(COUNTED.notifyNever)
  }

  /** Counts a mail of SES that came from a peer that isn't trusted. */
  untrusted(): void {
    this.#metricsBuffer.count(COUNTED.untrusted)
  }

  /** Counts a temporary refusal because of a fault of ours. */
  faulted(): void {
    this.#metricsBuffer.count(COUNTED.deferred, { cause: 'fault' })
  }

  /** Counts decisions that were carried out, or only observed. */
  evaluated(evaluation: MailEvaluation, mode: Mode, jobs: Jobs = evaluation.known): void {
    const { facts, plan } = evaluation
    this.onlyRecipient(facts)
    if (plan.kind === 'refuse' && plan.temporary)
      this.#metricsBuffer.count(COUNTED.deferred, { cause: 'rule' })
    this.decided(evaluation, mode, jobs)
  }

  #quarantined(plan: Plan): void {
    const held = plan.kind === 'commit' ? plan.held : []
    for (const reason of new Set(held.map(one => reasonKind(one.reason))))
      this.#metricsBuffer.count(COUNTED.quarantined, { reason })
  }

  /** Notes the signs of a mail with one recipient about its relay. */
  onlyRecipient({ envelope, receipt, recipients }: MailFacts): void {
    if (envelope.rcptCommands === 1 && receipt?.returnPath !== undefined)
      this.#metricsBuffer.onlyRecipient(
        this.#nowMs(),
        recipients[0]?.isBesideFor ?? false,
        recipients[0]?.envelope.notifyNever ?? false,
      )
  }

  /** Counts decisions about a failed delivery, whose mail was counted when it came. */
  decided(evaluation: MailEvaluation, mode: Mode, jobs: Jobs = evaluation.known): void {
    const { facts, decisions, plan } = evaluation
    if (mode === 'enforce') this.#quarantined(plan)
    for (const decision of decisions)
      if (decision.refusal)
        this.refused(decision.refusal, mode === 'observe' ? 'observed' : outcomeOf(decision, plan))
    for (const decision of decisions) {
      const { recipient, rule, action, fallback, refusal, observed } = decision
      const mail = { ...ofMail(facts), recipient: recipient.address }
      for (const one of observed) {
        // a rule that couldn't be checked has decided nothing
        if (one.fault === undefined) this.#decided({ ...mail, action: one.action, rule: one.rule }, 'observe')
      }
      const words = [fallback?.detail, refusal && `refused by ${refusal.by} at ${refusal.stage}`]
      const detail = words.filter(word => word !== undefined).join('; ')
      const isDuplicate = jobs.get(decision)?.outcome === 'known'
      const why = {
        ...fallback,
        ...(detail !== '' && { detail }),
        ...(isDuplicate && { isDuplicate: true as const }),
      }
      this.#decided({ ...mail, action, ...(rule !== undefined && { rule }), ...why }, mode)
      if (fallback) this.#metricsBuffer.count(COUNTED.fallbacks, { reason: fallback.reason, action, mode })
    }
  }

  /** Counts a refusal by another plugin that the relay has heard, or that was only observed. */
  refused({ by, stage }: Refusal, outcome: RefusalOutcome): void {
    this.#metricsBuffer.count(COUNTED.refusals, { by, stage, outcome })
  }

  /** Counts a bounce that was submitted by hand. `rule`: the name in place of a rule's. */
  submitted(note: { rule: string; sesId: string; sender: string; recipient: string }): void {
    this.#decided({ ...note, action: 'bounce' }, 'enforce')
  }

  /** Notes that the configuration's files were read. With errors they didn't become active. */
  read(state: string, errors: readonly Diagnostic[]): void {
    this.#metricsBuffer.reloaded({ atMs: this.#nowMs(), state, errors: errors.map(formatDiagnostic) })
  }

  #decided(note: Omit<DecisionNote, 'atMs' | 'isObserved'>, mode: Mode): void {
    const { rule, action } = note
    this.#metricsBuffer.count(COUNTED.decisions, { rule: rule ?? '', action, mode })
    // mail without a rule would fill the list of recent decisions
    if (rule === undefined) return
    const atMs = this.#nowMs()
    this.#metricsBuffer.hit(rule, atMs)
    this.#metricsBuffer.decided({ ...note, atMs, isObserved: mode === 'observe' })
  }
}

function ofMail({ receipt, sender }: MailEvaluation['facts']): Pick<DecisionNote, 'sesId' | 'sender'> {
  return { sender, ...(receipt !== undefined && { sesId: receipt.sesId }) }
}

function outcomeOf(decision: Decision, plan: Plan): RefusalOutcome {
  if (plan.kind === 'refuse') return plan.temporary ? 'deferred' : 'stood'
  // at delivery each recipient has a reply of its own
  if (plan.kind === 'commit' && !plan.consumed.includes(decision)) return 'stood'
  return decision.action === 'bounce' ? 'bounced' : 'kept'
}
