// A dispatcher's claims in the queue file: jobs stored with their planned start, and the outcomes of their calls.
// ../transitions.ts and ../settlement.ts decide each step. Runs in the caller's transaction.

import { QueueError } from '../../errors'
import type { EpochMs, MonoMs } from '../../units'
import { settlementOf } from '../settlement'
import type { Claim, Effect, Now, Settled, Settling, Spacing, StateChange } from '../store'
import { claimed, released } from '../transitions'
import { applySenderChange, refusalFacts, senderFacts, WAITING_SENDERS } from './breaker'
import { CallSpacing } from './call-spacing'
import type { Database, Row } from './database'
import { isPaused } from './pauses'
import { noteUnconfirmed } from './relay-signs'
import { applyChange, factsOf, jobOf } from './rows'
import { splitOff } from './split'

export class Claims {
  readonly #db: Database
  readonly #bootId: string
  readonly #starts: CallSpacing

  constructor(database: Database, bootId: string) {
    this.#db = database
    this.#bootId = bootId
    this.#starts = new CallSpacing(database)
  }

  /** The next call of the region. */
  next(region: string, now: Now, spacing: Spacing): Claim | undefined {
    this.#putBackUnbegun(region, now.ms)
    if (isPaused(this.#db, region)) return undefined
    // a pause that ends later than any pause can is left from before the clock was set back
    const row = this.#db.get(
      `SELECT * FROM job WHERE state = 'queued' AND region = ?1 AND (not_before_ms <= ?2 OR not_before_ms > ?3)
         AND bounce_sender NOT IN (${WAITING_SENDERS}) AND deadline_ms >= ?4
       ORDER BY deadline_ms, seq LIMIT 1`,
      region,
      now.ms,
      now.ms + spacing.longestPauseMs,
      now.ms + (spacing.marginMs ?? 0),
    )
    if (!row) return undefined
    const earliestMs = this.#starts.lastStart(region, this.#bootId, now.monoMs) + spacing.spacingMs
    const startAtMonoMs = Math.max(now.monoMs, earliestMs, spacing.notBeforeMonoMs)
    this.#stamp(region, startAtMonoMs)
    const number = Number(row['claims']) + 1
    const change = claimed(factsOf(row), startAtMonoMs - now.monoMs)
    applyChange(this.#db, row['seq'] ?? null, change, now.ms, { claims: number })
    const job = jobOf(this.#db, { ...row, state: change.state, changed_ms: now.ms })
    return { job, number, startAtMonoMs }
  }

  /** If the answer of an earlier claim was lost, its job is still claimed and hasn't begun: it is given back. */
  #putBackUnbegun(region: string, nowMs: EpochMs): void {
    const lost = "SELECT * FROM job WHERE state = 'sending' AND region = ? AND call_begun = 0"
    for (const row of this.#db.all(lost, region))
      applyChange(
        this.#db,
        row['seq'] ?? null,
        released(factsOf(row), 'the dispatcher claimed again before the call'),
        nowMs,
      )
  }

  release(claim: Claim, nowMs: EpochMs): void {
    const row = this.#claimed(claim)
    // any other state: it was given back, and the answer was lost
    if (row['state'] === 'sending') applyChange(this.#db, row['seq'] ?? null, released(claim.job), nowMs)
  }

  begin(claim: Claim, now: Now): void {
    const changed = this.#db.run(
      "UPDATE job SET call_begun = 1, changed_ms = ? WHERE id = ? AND claims = ? AND state = 'sending'",
      now.ms,
      claim.job.id,
      claim.number,
    )
    if (changed !== 1) throw lost(claim)
    this.#stamp(claim.job.region, now.monoMs)
  }

  settle(claim: Claim, effect: Effect, now: Settling): Settled {
    const { job, number } = claim
    const row = this.#claimed(claim)
    const before = settledBefore(row, number)
    if (before) return before
    if (row['state'] !== 'sending') throw lost(claim)
    const seq = row['seq'] ?? null
    this.#stamp(job.region, now.seenMonoMs)
    if (now.slowdown !== undefined) this.#starts.slowDown(job.region, now.slowdown)
    const isRefused = effect.state === 'failed' && effect.pauses !== undefined
    const settlement = settlementOf(job, effect, {
      ...senderFacts(this.#db, job),
      ...(isRefused && { refusal: refusalFacts(this.#db, job, seq, effect.detail) }),
    })
    const { split, sender, unconfirmed, answer } = settlement
    const settled = JSON.stringify([
      number,
      answer.state,
      ...(answer.changes.length > 0 ? [answer.changes] : []),
    ])
    applyChange(this.#db, seq, settlement.job, now.ms, { settled })
    if (split) splitOff(this.#db, job, seq, split, now.ms)
    if (sender) applySenderChange(this.#db, job, seq, sender, now.ms)
    if (unconfirmed) noteUnconfirmed(this.#db, seq, unconfirmed === 'refused')
    return answer
  }

  #claimed(claim: Claim): Row {
    const { job, number } = claim
    const row = this.#db.get('SELECT seq, state, claims, settled FROM job WHERE id = ?', job.id)
    if (row?.['claims'] !== number) throw lost(claim)
    return row
  }

  #stamp(region: string, monoMs: MonoMs): void {
    this.#starts.stamp(region, this.#bootId, monoMs)
  }
}

function lost({ job: { id } }: Claim): QueueError {
  return new QueueError('QUEUE_LOCK_LOST', `job ${id} is no longer ours`)
}

/** The answer when the claim of that number was settled. Undefined: it wasn't. */
function settledBefore(row: Row, number: number): Settled | undefined {
  if (typeof row['settled'] !== 'string') return undefined
  const [settled, state, changes = []] = JSON.parse(row['settled']) as [
    number: number,
    state: Settled['state'],
    changes?: StateChange[],
  ]
  return settled === number ? { state, changes } : undefined
}
