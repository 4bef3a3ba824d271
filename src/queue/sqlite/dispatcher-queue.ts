// The dispatcher's side of the queue: the lead, the plan, and expired and old jobs. Its claims are in ./claims.ts.
// Each change is one transaction that first checks the lead, so a process without it changes nothing.

import type { EpochMs, MonoMs } from '../../units'
import type { Job } from '../job'
import { type LeaseOwner, thisProcess } from '../lease-owner'
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
  Settling,
  Spacing,
} from '../store'
import { expired, type InterruptionLimits, leftBehind } from '../transitions'
import { CallSpacing } from './call-spacing'
import { Claims } from './claims'
import { machineClock } from './clock'
import { Database, type Row } from './database'
import { forgetRecords } from './idempotency'
import { DispatcherLead } from './lead'
import { planOf } from './plan'
import { applyChange, factsOf, jobOf, text } from './rows'
import { forgetDeadlineChanges } from './waiting-deadlines'

/** The dispatcher may wait, as no mail depends on it. */
const BUSY_MS = 3000
/** Jobs that are expired, or forgotten, in one transaction: workers wait meanwhile, some 20 ms with 300,000 on record. */
const EXPIRE_ROWS = 100
const PRUNE_ROWS = 50
/** Idempotency records in one transaction. Submissions that add no job have one too, so there may be many. */
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
  readonly clock = machineClock
  readonly #db: Database
  readonly #lead: DispatcherLead
  readonly #starts: CallSpacing
  readonly #claims: Claims

  constructor(database: Database, owner: LeaseOwner) {
    this.#db = database
    this.#lead = new DispatcherLead(database, owner)
    this.#starts = new CallSpacing(database)
    this.#claims = new Claims(database, owner.bootId)
  }

  takeLead(clock: () => Now, limits: LeadLimits): Lead | undefined {
    return this.#db.write(() => {
      const now = clock()
      const term = this.#lead.take(now.monoMs, limits.staleMs)
      return term === undefined ? undefined : { term, found: this.#recover(now, limits) }
    })
  }

  heartbeat(nowMonoMs: MonoMs): void {
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
      // the mark of a begun call survives a kill, but not a power cut
      const hasBegun = row['call_begun'] === 1 || !this.#starts.isOfBoot(region, this.#lead.bootId)
      // SES may have seen the dead process's call as late as now
      if (hasBegun) this.#starts.stamp(region, this.#lead.bootId, now.monoMs)
      applyChange(this.#db, row['seq'] ?? null, leftBehind(factsOf(row), hasBegun, limits), now.ms)
      return this.#job(row)
    })
  }

  plan(question: PlanQuestion): Plan | undefined {
    if (question.forecast) this.#setForecast(question.forecast)
    return planOf(this.#db, question)
  }

  #setForecast({ spacingMs: mostlyMs, regions }: NonNullable<PlanQuestion['forecast']>): void {
    // checks before it locks the file, as there is rarely something to do
    for (const row of this.#db.all('SELECT name, spacing_ms FROM region')) {
      const region = text(row['name'])
      const spacingMs = regions?.get(region) ?? mostlyMs
      if (row['spacing_ms'] === spacingMs) continue
      this.#change(() => this.#db.run('UPDATE region SET spacing_ms = ? WHERE name = ?', spacingMs, region))
    }
  }

  expire(region: string, nowMs: EpochMs, marginMs: number): Job[] {
    const overdue = "SELECT * FROM job WHERE state = 'queued' AND region = ? AND deadline_ms < ? LIMIT ?"
    const lastMs = nowMs + marginMs
    // checks before it locks the file, as there is rarely one
    if (!this.#db.get(overdue, region, lastMs, 1)) return []
    return this.#change(() =>
      this.#db.all(overdue, region, lastMs, EXPIRE_ROWS).map(row => {
        applyChange(this.#db, row['seq'] ?? null, expired(factsOf(row)), nowMs)
        return this.#job(row)
      }),
    )
  }

  claim(region: string, now: Now, spacing: Spacing): Claim | undefined {
    return this.#change(() => this.#claims.next(region, now, spacing))
  }

  release(claim: Claim, nowMs: EpochMs): void {
    this.#change(() => this.#claims.release(claim, nowMs))
  }

  /** Not synced: the claim is on disk, and after a power cut a claimed call counts as begun. */
  begin(claim: Claim, now: Now): void {
    this.#db.writeUnflushed(() => {
      this.#lead.mustHold()
      this.#claims.begin(claim, now)
      // the heartbeat keeps the lead until the call has been sent
      this.#lead.heartbeat(now.monoMs)
    })
  }

  settle(claim: Claim, effect: Effect, now: Settling): Settled {
    return this.#change(() => this.#claims.settle(claim, effect, now))
  }

  flushedMs(region: string): EpochMs {
    return Number(this.#db.get('SELECT flushed_ms FROM region WHERE name = ?', region)?.['flushed_ms'] ?? 0)
  }

  prune(beforeMs: EpochMs): number {
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

  #job(row: Row): Job {
    return jobOf(this.#db, this.#db.get('SELECT * FROM job WHERE seq = ?', row['seq'] ?? null) ?? row)
  }
}
