// What this process counts of the mails that it looks at. In memory: a count never fails, and never waits.
// Words of a mail stand in the notes of decisions alone; labels are the policy's own.

import type { Action } from '../policy/decision'
import { COUNTED } from '../queue/counters'
import type { Tally } from '../queue/tally'
import { type Finding, formatFinding } from '../settings/findings'
import type { Judgement } from './judge'

type Mode = 'enforce' | 'observe'

export class DoorCounts {
  readonly #tally: Tally
  readonly #nowMs: () => number

  constructor(tally: Tally, nowMs: () => number) {
    this.#tally = tally
    this.#nowMs = nowMs
  }

  /** A mail of a trusted relay, whatever comes of it. */
  inspected(): void {
    this.#tally.count(COUNTED.inspected)
  }

  /** A mail was refused for now by a fault of ours. */
  faulted(): void {
    this.#tally.count(COUNTED.deferred, { cause: 'fault' })
  }

  /** What was decided has come true, or was only to be observed. */
  judged({ facts, decisions, plan }: Judgement, mode: Mode): void {
    const sesId = facts.receipt?.sesId
    if (plan.kind === 'refuse' && plan.temporary) this.#tally.count(COUNTED.deferred, { cause: 'rule' })
    for (const { recipient, rule, action, fallback, observed } of decisions) {
      const { address } = recipient
      for (const one of observed) {
        // a rule that couldn't be asked has decided nothing
        if (one.fault === undefined) this.#decided(address, one.action, 'observe', one.rule, sesId)
      }
      this.#decided(address, action, mode, rule, sesId, fallback?.reason)
      if (fallback) this.#tally.count(COUNTED.fallbacks, { reason: fallback.reason, action, mode })
    }
  }

  /** Somebody has ordered a bounce to that recipient; `rule`: what stands in place of one. */
  ordered(rule: string, sesId: string, recipient: string): void {
    this.#decided(recipient, 'bounce', 'enforce', rule, sesId)
  }

  /** The configuration that is in force from the start. */
  started(): void {
    this.#tally.reloaded({ atMs: this.#nowMs(), errors: [] })
  }

  /** With errors it didn't come into force. */
  reloaded(errors: readonly Finding[]): void {
    this.#tally.count(COUNTED.reloads, { result: errors.length > 0 ? 'refused' : 'taken' })
    this.#tally.reloaded({ atMs: this.#nowMs(), errors: errors.map(formatFinding) })
  }

  #decided(
    recipient: string,
    action: Action,
    mode: Mode,
    rule: string | undefined,
    sesId: string | undefined,
    reason?: NonNullable<Judgement['decisions'][number]['fallback']>['reason'],
  ): void {
    this.#tally.count(COUNTED.decisions, { rule: rule ?? '', action, mode })
    // what no rule cares about would leave no room for what one does
    if (rule === undefined) return
    const atMs = this.#nowMs()
    this.#tally.hit(rule, atMs)
    this.#tally.decided({
      atMs,
      recipient,
      rule,
      action,
      isObserved: mode === 'observe',
      ...(sesId !== undefined && { sesId }),
      ...(reason !== undefined && { reason }),
    })
  }
}
