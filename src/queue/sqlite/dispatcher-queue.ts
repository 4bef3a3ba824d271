// The dispatcher's side of the queue: the lock, claims that are durable with their planned start, outcomes.
// Each change is made in one transaction that checks the lock first, so a holder that lost it changes nothing.

import { QueueError } from '../../errors'
import type { Job } from '../job'
import type { RelaySigns } from '../relay-signs'
import { settlementOf } from '../settlement'
import type { Claim, DispatcherQueue, Effect, LeaseOwner, Settled, Spacing } from '../store'
import { claimed, expired, type InterruptionLimits, leftBehind, released } from '../transitions'
import { applySenderChange, refusalFacts, senderFacts, WAITING_SENDERS } from './breaker'
import { CallSpacing } from './call-spacing'
import { Database, type Row, type Value } from './database'
import { setSpacing } from './deadline-histogram'
import { dueRegions } from './due'
import { forgetAnswers } from './idempotency'
import { DispatcherLock } from './lock'
import { isPaused, pauses } from './pauses'
import { noteUnconfirmed, relaySigns } from './relay-signs'
import { applyChange, factsOf, jobOf, text } from './rows'
import { splitOff } from './split'

/** The dispatcher may wait: nobody stands behind it. */
const BUSY_MS = 3000
/** Jobs that are expired, or forgotten, in one transaction: workers wait meanwhile, some 20 ms with 300,000 on record. */
const EXPIRE_ROWS = 100
const PRUNE_ROWS = 50
/** Nobody sees to it that orders come at a job's pace: those that add nothing are answered with a key as well. */
const PRUNE_ANSWERS = 1000

export function openDispatcherQueue(file: string): DispatcherQueue {
  return new SqliteDispatcherQueue(new Database(file, { busyMs: BUSY_MS, create: true }))
}

type Now = { ms: number; monoMs: number }

class SqliteDispatcherQueue implements DispatcherQueue {
  readonly #db: Database
  readonly #lock: DispatcherLock
  readonly #gate: CallSpacing

  constructor(database: Database) {
    this.#db = database
    this.#lock = new DispatcherLock(database)
    this.#gate = new CallSpacing(database)
  }

  lock(holder: LeaseOwner, nowMonoMs: number, staleMs: number): boolean {
    return this.#lock.take(holder, nowMonoMs, staleMs)
  }

  heartbeat(nowMonoMs: number): void {
    this.#lock.heartbeat(nowMonoMs)
  }

  unlock(): void {
    this.#lock.giveBack()
  }

  recover(now: Now, limits: InterruptionLimits): Job[] {
    return this.#change(() => {
      const rows = this.#db.all("SELECT * FROM job WHERE state = 'sending'")
      return rows.map(row => {
        const region = text(row['region'])
        // the mark of a begun call outlives a kill, not a power cut
        const hasBegun = row['call_begun'] === 1 || !this.#gate.isOfBoot(region, this.#lock.bootId)
        // SES may have seen the dead process's call as late as now
        if (hasBegun) this.#stamp(region, now.monoMs)
        applyChange(this.#db, row['seq'] ?? null, leftBehind(factsOf(row), hasBegun, limits), now.ms)
        return this.#job(row)
      })
    })
  }

  setSpacing(mostlyMs: number, regions?: ReadonlyMap<string, number>): void {
    // a look before the lock: nearly always there is nothing to do
    for (const row of this.#db.all('SELECT name, spacing_ms FROM region')) {
      const region = text(row['name'])
      const spacingMs = regions?.get(region) ?? mostlyMs
      if (row['spacing_ms'] !== spacingMs) this.#change(() => setSpacing(this.#db, region, spacingMs))
    }
  }

  slowdown(region: string): number {
    return this.#gate.slowdown(region)
  }

  version(): number {
    return Number(this.#db.pragma('data_version')[0]?.['data_version'] ?? 0)
  }

  pauses() {
    return pauses(this.#db)
  }

  relaySigns(nowMs: number): RelaySigns {
    return relaySigns(this.#db, nowMs)
  }

  regions(): string[] {
    return this.#db.all('SELECT name FROM region').map(({ name }) => text(name))
  }

  due(nowMs: number, longestPauseMs: number): { region: string; dueMs: number }[] {
    return dueRegions(this.#db, nowMs, longestPauseMs)
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
      const gateMs = this.#gate.lastStart(region, this.#lock.bootId, now.monoMs) + spacing.spacingMs
      const startAtMonoMs = Math.max(now.monoMs, gateMs, spacing.notBeforeMonoMs)
      this.#stamp(region, startAtMonoMs)
      applyChange(this.#db, row['seq'] ?? null, claimed(factsOf(row), startAtMonoMs - now.monoMs), now.ms)
      return { job: this.#job(row), startAtMonoMs }
    })
  }

  release(claim: Claim, nowMs: number): void {
    this.#change(() => applyChange(this.#db, this.#claimed(claim), released(claim.job), nowMs))
  }

  begin(claim: Claim, now: Now): void {
    this.#db.writeUnflushed(() => {
      this.#lock.mustHold()
      const changed = this.#db.run(
        "UPDATE job SET call_begun = 1, changed_ms = ? WHERE id = ? AND state = 'sending'",
        now.ms,
        claim.job.id,
      )
      if (changed !== 1) throw new QueueError('QUEUE_LOCK_LOST', `job ${claim.job.id} is no longer ours`)
      this.#stamp(claim.job.region, now.monoMs)
      // the lock is ours for as long as the call may take to leave
      this.#db.run('UPDATE dispatcher SET beat_mono_ms = ?', now.monoMs)
    })
  }

  settle(claim: Claim, effect: Effect, now: { ms: number; seenMonoMs: number; slowdown?: number }): Settled {
    const { job } = claim
    return this.#change(() => {
      const seq = this.#claimed(claim)
      this.#stamp(job.region, now.seenMonoMs)
      if (now.slowdown !== undefined) this.#gate.slowDown(job.region, now.slowdown)
      const isRefused = effect.state === 'failed' && effect.pauses !== undefined
      const settlement = settlementOf(job, effect, {
        ...senderFacts(this.#db, job),
        ...(isRefused && { refusal: refusalFacts(this.#db, job, seq, effect.detail) }),
      })
      const { split, sender, unconfirmed, answer } = settlement
      applyChange(this.#db, seq, settlement.job, now.ms)
      if (split) splitOff(this.#db, job, seq, split, now.ms)
      if (sender) applySenderChange(this.#db, job, seq, sender, now.ms)
      if (unconfirmed) noteUnconfirmed(this.#db, seq, unconfirmed === 'refused')
      return answer
    })
  }

  prune(beforeMs: number): number {
    return this.#change(() => {
      forgetAnswers(this.#db, beforeMs, PRUNE_ANSWERS)
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
      this.#lock.mustHold()
      return work()
    })
  }

  /** Its number in the table. */
  #claimed({ job: { id } }: Claim): Value {
    const row = this.#db.get("SELECT seq FROM job WHERE id = ? AND state = 'sending'", id)
    if (!row) throw new QueueError('QUEUE_LOCK_LOST', `job ${id} is no longer ours`)
    return row['seq'] ?? null
  }

  #job(row: Row): Job {
    return jobOf(this.#db, this.#db.get('SELECT * FROM job WHERE seq = ?', row['seq'] ?? null) ?? row)
  }

  #stamp(region: string, monoMs: number): void {
    this.#gate.stamp(region, this.#lock.bootId, monoMs)
  }
}
