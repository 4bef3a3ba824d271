// The dispatcher's side of the queue: the lock, claims that are durable with their planned start, outcomes.
// Each change is made in one transaction that checks the lock first, so a holder that lost it changes nothing.

import { QueueError } from '../../errors'
import { hasUnconfirmed, type Job, type JobEvent } from '../job'
import type { RelaySigns } from '../relay-signs'
import type { Claim, DispatcherQueue, Effect, LeaseOwner, Settled, Spacing } from '../store'
import { Breaker, WAITING_SENDERS } from './breaker'
import { CallSpacing } from './call-spacing'
import { Database, type Row } from './database'
import { setSpacing } from './deadline-histogram'
import { dueRegions } from './due'
import { forgetAnswers } from './idempotency'
import { DispatcherLock } from './lock'
import { isPaused, pauses } from './pauses'
import { noteUnconfirmed, relaySigns } from './relay-signs'
import { addEvent, jobOf, text } from './rows'
import { splitJob } from './split'

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
  readonly #breaker: Breaker

  constructor(database: Database) {
    this.#db = database
    this.#lock = new DispatcherLock(database)
    this.#gate = new CallSpacing(database)
    this.#breaker = new Breaker(database)
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

  recover(now: Now, limits: { unknownTries: number; interruptions: number }): Job[] {
    return this.#change(() => {
      const rows = this.#db.all("SELECT * FROM job WHERE state = 'sending'")
      return rows.map(row => {
        // the mark of a begun call outlives a kill, not a power cut
        const begun = row['call_begun'] || !this.#gate.isOfBoot(text(row['region']), this.#lock.bootId)
        if (begun) this.#interrupted(row, now, limits)
        else this.#requeue(row, now.ms, 'released', 'the dispatcher ended before the call')
        return this.#job(row)
      })
    })
  }

  #interrupted(row: Row, now: Now, limits: { unknownTries: number; interruptions: number }): void {
    // SES may have seen the dead process's call as late as now
    this.#stamp(text(row['region']), now.monoMs)
    const interruptions = Number(row['interruptions']) + 1
    const hold = limits.unknownTries <= 1 || interruptions >= limits.interruptions
    this.#db.run(
      'UPDATE job SET tries = tries + 1, interruptions = ? WHERE seq = ?',
      interruptions,
      row['seq'] ?? null,
    )
    const detail = 'the dispatcher ended during the call; SES may have made the bounce'
    addEvent(this.#db, row['seq'] ?? null, now.ms, 'interrupted', detail)
    if (hold) this.#end(row, now.ms, 'held', detail)
    else this.#requeue(row, now.ms, 'retry', 'tried again after the interruption')
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
    return dueRegions(this.#db, this.#breaker, nowMs, longestPauseMs)
  }

  expire(region: string, nowMs: number, marginMs: number): Job[] {
    const overdue = "SELECT * FROM job WHERE state = 'queued' AND region = ? AND deadline_ms < ? LIMIT ?"
    const lastMs = nowMs + marginMs
    // a look before the lock: nearly always there is nothing
    if (!this.#db.get(overdue, region, lastMs, 1)) return []
    return this.#change(() =>
      this.#db.all(overdue, region, lastMs, EXPIRE_ROWS).map(row => {
        const tries = Number(row['tries'])
        const last = text(row['reason'])
        const why = tries > 0 ? `after ${tries} tries, the last: ${last}` : 'before its turn came'
        this.#end(row, nowMs, 'expired', `its time ran out ${why}`)
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
      this.#db.run(
        "UPDATE job SET state = 'sending', call_begun = 0, changed_ms = ? WHERE seq = ?",
        now.ms,
        row['seq'] ?? null,
      )
      addEvent(
        this.#db,
        row['seq'] ?? null,
        now.ms,
        'claimed',
        `starts in ${Math.round(startAtMonoMs - now.monoMs)} ms`,
      )
      return { job: this.#job(row), startAtMonoMs }
    })
  }

  release(claim: Claim, nowMs: number): void {
    this.#change(() =>
      this.#requeue(this.#row(claim), nowMs, 'released', 'the dispatcher stopped before the call'),
    )
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
    return this.#change(() => {
      const row = this.#row(claim)
      this.#stamp(claim.job.region, now.seenMonoMs)
      if (now.slowdown !== undefined) this.#gate.slowDown(claim.job.region, now.slowdown)
      const unknown =
        effect.state === 'held' || (effect.state === 'queued' && effect.what === 'unknown outcome')
      this.#db.run(
        'UPDATE job SET tries = tries + 1, unknown_tries = unknown_tries + ? WHERE seq = ?',
        unknown ? 1 : 0,
        row['seq'] ?? null,
      )
      switch (effect.state) {
        case 'sent':
          this.#db.run('UPDATE job SET message_id = ? WHERE seq = ?', effect.messageId, row['seq'] ?? null)
          if (hasUnconfirmed(claim.job)) noteUnconfirmed(this.#db, row['seq'] ?? null, false)
          this.#end(row, now.ms, 'sent', effect.detail)
          return { state: 'sent', changes: this.#breaker.works(claim.job) }
        case 'queued':
          return this.#again(claim.job, row, effect, now.ms)
        case 'failed':
          return this.#refused(claim.job, row, effect, now.ms)
        case 'held':
        case 'expired':
          this.#end(row, now.ms, effect.state, effect.detail)
          return { state: effect.state, changes: [] }
      }
    })
  }

  #again(job: Job, row: Row, effect: Extract<Effect, { state: 'queued' }>, nowMs: number): Settled {
    const { notBeforeMs, blocks, what, detail } = effect
    this.#db.run(
      'UPDATE job SET not_before_ms = ? WHERE seq = ?',
      Math.round(notBeforeMs),
      row['seq'] ?? null,
    )
    this.#requeue(row, nowMs, what, detail)
    const changes = blocks === undefined ? [] : this.#breaker.blocks(job, blocks, notBeforeMs, detail)
    return { state: 'queued', changes }
  }

  #refused(job: Job, row: Row, effect: Extract<Effect, { state: 'failed' }>, nowMs: number): Settled {
    const { detail, pauses } = effect
    const { isPutBack, changes } = pauses
      ? this.#breaker.refused(job, row, detail, pauses, nowMs)
      : { isPutBack: false, changes: [] }
    if (isPutBack) {
      this.#requeue(row, nowMs, 'put back', detail)
      return { state: 'queued', changes }
    }
    if (job.recipients.length > 1) {
      splitJob(this.#db, row, nowMs, detail)
      return { state: 'split', changes }
    }
    if (hasUnconfirmed(job)) noteUnconfirmed(this.#db, row['seq'] ?? null, true)
    this.#end(row, nowMs, 'failed', detail)
    return { state: 'failed', changes }
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

  #row(claim: Claim): Row {
    const row = this.#db.get("SELECT * FROM job WHERE id = ? AND state = 'sending'", claim.job.id)
    if (!row) throw new QueueError('QUEUE_LOCK_LOST', `job ${claim.job.id} is no longer ours`)
    return row
  }

  #job(row: Row): Job {
    return jobOf(this.#db, this.#db.get('SELECT * FROM job WHERE seq = ?', row['seq'] ?? null) ?? row)
  }

  #requeue(row: Row, nowMs: number, what: JobEvent['what'], detail: string): void {
    this.#db.run(
      "UPDATE job SET state = 'queued', call_begun = 0, changed_ms = ?, reason = ? WHERE seq = ?",
      nowMs,
      what === 'released' ? (row['reason'] ?? null) : detail,
      row['seq'] ?? null,
    )
    addEvent(this.#db, row['seq'] ?? null, nowMs, what, detail)
  }

  #end(row: Row, nowMs: number, state: 'sent' | 'failed' | 'expired' | 'held', detail: string): void {
    this.#db.run(
      'UPDATE job SET state = ?, call_begun = 0, changed_ms = ?, reason = ? WHERE seq = ?',
      state,
      nowMs,
      detail,
      row['seq'] ?? null,
    )
    addEvent(this.#db, row['seq'] ?? null, nowMs, state, detail)
  }

  #stamp(region: string, monoMs: number): void {
    this.#gate.stamp(region, this.#lock.bootId, monoMs)
  }
}
