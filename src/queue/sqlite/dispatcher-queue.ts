// The dispatcher's side of the queue: the lead, claims that are durable with their planned start, outcomes. What a step
// makes of a job is decided in ../transitions.ts and ../settlement.ts; here are rows and transactions.
// Each change is made in one transaction that checks the lead first, so a process that lost it changes nothing.

import { QueueError } from '../../errors'
import type { Job } from '../job'
import { settlementOf } from '../settlement'
import type {
  Claim,
  DispatcherQueue,
  Effect,
  Lead,
  LeadLimits,
  Now,
  Plan,
  PlanQuestion,
  Settled,
  Spacing,
  StateChange,
} from '../store'
import { claimed, expired, type InterruptionLimits, leftBehind, released } from '../transitions'
import { applySenderChange, refusalFacts, senderFacts, WAITING_SENDERS } from './breaker'
import { CallSpacing } from './call-spacing'
import { Database, type Row } from './database'
import { forgetRecords } from './idempotency'
import { DispatcherLead } from './lead'
import { type LeaseOwner, thisProcess } from './lease-owner'
import { isPaused } from './pauses'
import { planOf } from './plan'
import { noteUnconfirmed } from './relay-signs'
import { applyChange, factsOf, jobOf, text } from './rows'
import { splitOff } from './split'
import { forgetDeadlineChanges } from './waiting-deadlines'

/** The dispatcher may wait: nobody stands behind it. */
const BUSY_MS = 3000
/** Jobs that are expired, or forgotten, in one transaction: workers wait meanwhile, some 20 ms with 300,000 on record. */
const EXPIRE_ROWS = 100
const PRUNE_ROWS = 50
/** Nobody sees to it that orders come at a job's pace: those that add nothing are answered with a key as well. */
const PRUNE_ANSWERS = 1000

/** `owner`: this process; a test may be another one. */
export function openDispatcherQueue(
  file: string,
  { owner = thisProcess() }: { owner?: LeaseOwner } = {},
): SqliteDispatcherQueue {
  return new SqliteDispatcherQueue(new Database(file, { busyMs: BUSY_MS, create: true }), owner)
}

/** SQLite answers at once. */
export class SqliteDispatcherQueue implements DispatcherQueue {
  readonly #db: Database
  readonly #lead: DispatcherLead
  readonly #gate: CallSpacing

  constructor(database: Database, owner: LeaseOwner) {
    this.#db = database
    this.#lead = new DispatcherLead(database, owner)
    this.#gate = new CallSpacing(database)
  }

  takeLead(now: Now, limits: LeadLimits): Lead | undefined {
    return this.#db.write(() => {
      const term = this.#lead.take(now.monoMs, limits.staleMs)
      return term === undefined ? undefined : { term, found: this.#recover(now, limits) }
    })
  }

  heartbeat(nowMonoMs: number): void {
    this.#db.writeAndCheckpoint(() => {
      this.#lead.mustHold()
      this.#lead.heartbeat(nowMonoMs)
    })
  }

  giveUpLead(): void {
    this.#lead.giveUp()
  }

  #recover(now: Now, limits: InterruptionLimits): Job[] {
    return this.#db.all("SELECT * FROM job WHERE state = 'sending'").map(row => {
      const region = text(row['region'])
      // the mark of a begun call outlives a kill, not a power cut
      const hasBegun = row['call_begun'] === 1 || !this.#gate.isOfBoot(region, this.#lead.bootId)
      // SES may have seen the dead process's call as late as now
      if (hasBegun) this.#stamp(region, now.monoMs)
      applyChange(this.#db, row['seq'] ?? null, leftBehind(factsOf(row), hasBegun, limits), now.ms)
      return this.#job(row)
    })
  }

  plan(question: PlanQuestion): Plan | undefined {
    if (question.forecast) this.#setForecast(question.forecast)
    return planOf(this.#db, question)
  }

  #setForecast({ spacingMs: mostlyMs, regions }: NonNullable<PlanQuestion['forecast']>): void {
    // a look before the lock: nearly always there is nothing to do
    for (const row of this.#db.all('SELECT name, spacing_ms FROM region')) {
      const region = text(row['name'])
      const spacingMs = regions?.get(region) ?? mostlyMs
      if (row['spacing_ms'] === spacingMs) continue
      this.#change(() => this.#db.run('UPDATE region SET spacing_ms = ? WHERE name = ?', spacingMs, region))
    }
  }

  expire(region: string, nowMs: number, marginMs: number): Job[] {
    const overdue = "SELECT * FROM job WHERE state = 'queued' AND region = ? AND deadline_ms < ? LIMIT ?"
    const lastMs = nowMs + marginMs
    // a look before the lock: nearly always there is nothing
    if (!this.#db.get(overdue, region, lastMs, 1)) return []
    return this.#change(() =>
      this.#db.all(overdue, region, lastMs, EXPIRE_ROWS).map(row => {
        applyChange(this.#db, row['seq'] ?? null, expired(factsOf(row)), nowMs)
        return this.#job(row)
      }),
    )
  }

  claim(region: string, now: Now, spacing: Spacing): Claim | undefined {
    return this.#change(() => {
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
      const gateMs = this.#gate.lastStart(region, this.#lead.bootId, now.monoMs) + spacing.spacingMs
      const startAtMonoMs = Math.max(now.monoMs, gateMs, spacing.notBeforeMonoMs)
      this.#stamp(region, startAtMonoMs)
      const number = Number(row['claims']) + 1
      const change = claimed(factsOf(row), startAtMonoMs - now.monoMs)
      applyChange(this.#db, row['seq'] ?? null, change, now.ms, { claims: number })
      return { job: this.#job(row), number, startAtMonoMs }
    })
  }

  /** The answer of an earlier claim was lost: all that this process has claimed has begun, or is given back. */
  #putBackUnbegun(region: string, nowMs: number): void {
    const lost = "SELECT * FROM job WHERE state = 'sending' AND region = ? AND call_begun = 0"
    for (const row of this.#db.all(lost, region))
      applyChange(
        this.#db,
        row['seq'] ?? null,
        released(factsOf(row), 'the dispatcher claimed again before the call'),
        nowMs,
      )
  }

  release(claim: Claim, nowMs: number): void {
    this.#change(() => {
      const row = this.#claimed(claim)
      // not sending: it was given back, and the answer was lost
      if (row['state'] === 'sending') applyChange(this.#db, row['seq'] ?? null, released(claim.job), nowMs)
    })
  }

  begin(claim: Claim, now: Now): void {
    this.#db.writeUnflushed(() => {
      this.#lead.mustHold()
      const changed = this.#db.run(
        "UPDATE job SET call_begun = 1, changed_ms = ? WHERE id = ? AND claims = ? AND state = 'sending'",
        now.ms,
        claim.job.id,
        claim.number,
      )
      if (changed !== 1) throw lost(claim)
      this.#stamp(claim.job.region, now.monoMs)
      // the lead is ours for as long as the call may take to leave
      this.#lead.heartbeat(now.monoMs)
    })
  }

  settle(claim: Claim, effect: Effect, now: { ms: number; seenMonoMs: number; slowdown?: number }): Settled {
    const { job, number } = claim
    return this.#change(() => {
      const row = this.#claimed(claim)
      const before = settledBefore(row, number)
      if (before) return before
      if (row['state'] !== 'sending') throw lost(claim)
      const seq = row['seq'] ?? null
      this.#stamp(job.region, now.seenMonoMs)
      if (now.slowdown !== undefined) this.#gate.slowDown(job.region, now.slowdown)
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
    })
  }

  prune(beforeMs: number): number {
    return this.#change(() => {
      forgetRecords(this.#db, beforeMs, PRUNE_ANSWERS)
      forgetDeadlineChanges(this.#db)
      return this.#db.run(
        `DELETE FROM job WHERE seq IN (SELECT seq FROM job
           WHERE state IN ('sent', 'failed', 'expired', 'cancelled') AND changed_ms < ?
             -- without its jobs nobody knows what is to become of a mail
             AND NOT EXISTS (SELECT 1 FROM recipient JOIN kept_due ON kept_due.name = recipient.kept
               WHERE recipient.job = job.seq) LIMIT ${PRUNE_ROWS})`,
        beforeMs,
      )
    })
  }

  close(): void {
    this.#db.close()
  }

  #change<T>(work: () => T): T {
    return this.#db.write(() => {
      this.#lead.mustHold()
      return work()
    })
  }

  #claimed(claim: Claim): Row {
    const { job, number } = claim
    const row = this.#db.get('SELECT seq, state, claims, settled FROM job WHERE id = ?', job.id)
    if (row?.['claims'] !== number) throw lost(claim)
    return row
  }

  #job(row: Row): Job {
    return jobOf(this.#db, this.#db.get('SELECT * FROM job WHERE seq = ?', row['seq'] ?? null) ?? row)
  }

  #stamp(region: string, monoMs: number): void {
    this.#gate.stamp(region, this.#lead.bootId, monoMs)
  }
}

function lost({ job: { id } }: Claim): QueueError {
  return new QueueError('QUEUE_LOCK_LOST', `job ${id} is no longer ours`)
}

/** What was answered when the claim of that number was settled; undefined: it wasn't. */
function settledBefore(row: Row, number: number): Settled | undefined {
  if (typeof row['settled'] !== 'string') return undefined
  const [settled, state, changes = []] = JSON.parse(row['settled']) as [
    number: number,
    state: Settled['state'],
    changes?: StateChange[],
  ]
  return settled === number ? { state, changes } : undefined
}
