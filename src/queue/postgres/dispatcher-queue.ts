// The dispatcher's side of a queue that hosts share: the lead, the plan, and expired and old jobs. Its claims are in
// ./claims.ts. Each change is one statement that first checks the lead, so a process without it changes nothing, but for
// the outcome of a call that it has made.

import type { EpochMs, MonoMs } from '../../units'
import type { Job } from '../job'
import { type LeaseOwner, thisProcess } from '../lease-owner'
import type {
  Claim,
  DispatcherQueue,
  Effect,
  Lead,
  LeaderElsewhere,
  LeadLimits,
  Now,
  Plan,
  PlanQuestion,
  QueueClock,
  RegionPlan,
  Settled,
  Settling,
  Spacing,
} from '../store'
import { type Change, expired, interruptedUntilMs, leftBehind } from '../transitions'
import { CallSpacing } from './call-spacing'
import { Claims } from './claims'
import { openConnection } from './connection'
import { type JobRow, jobOf } from './job-row'
import { type LostLead, mustLead, PostgresLead, type Taken } from './lead'
import { pausesOf } from './pauses'
import type { PostgresTarget } from './target'

/** Jobs in one transaction, and results of submissions: other writers wait meanwhile. As SQLite's. */
const EXPIRE_ROWS = 100
const PRUNE_ROWS = 50
const PRUNE_ANSWERS = 1000

/** The part of a connection that this needs. */
interface Connection {
  readonly queueClock: QueueClock
  call<T>(name: string, args: object): Promise<T>
  close(): Promise<void>
}

export interface DispatcherParts {
  connection: Connection
  /** Another connection: heartbeats go on while the first one waits. */
  beats: Connection
  owner: LeaseOwner
  /** The name of this host. */
  host: string
}

/** One of the connections is for heartbeats. It isn't connected yet. */
export function openDispatcherQueue(target: PostgresTarget & { hostName: string }): PostgresDispatcherQueue {
  const connect = (connections: number) =>
    openConnection({
      ...target,
      connections,
      get password() {
        return target.password
      },
    })
  return new PostgresDispatcherQueue({
    connection: connect(Math.max(1, target.connections - 1)),
    beats: connect(1),
    owner: thisProcess(),
    host: target.hostName,
  })
}

/** The answer of `plan_1`. Without regions: as the version before. */
interface PlanRow {
  version: string
  regions?: {
    region: string
    slowdown: number
    spacing_ms: number
    first_ms: number | null
    first_end_ms: number | null
  }[]
  pauses?: { region: string; since_ms: number }[]
}

type RegionRow = NonNullable<PlanRow['regions']>[number]

interface WantedChange {
  row: JobRow
  change: Change
}

export class PostgresDispatcherQueue implements DispatcherQueue {
  readonly clock: QueueClock
  readonly #connection: Connection
  readonly #beats: Connection
  readonly #lead: PostgresLead
  readonly #starts = new CallSpacing()
  readonly #claims: Claims
  /** The version of the last plan. */
  #version = { number: 0, text: '' }

  constructor({ connection, beats, owner, host }: DispatcherParts) {
    this.clock = connection.queueClock
    this.#connection = connection
    this.#beats = beats
    this.#lead = new PostgresLead(connection, owner, host)
    this.#claims = new Claims(connection, this.#lead, this.#starts)
  }

  leaderElsewhere(): LeaderElsewhere | undefined {
    return this.#lead.elsewhere
  }

  async takeLead(now: () => Now, limits: LeadLimits): Promise<Lead | undefined> {
    const taken = await this.#lead.take(now, limits.staleMs)
    if (taken === undefined) return undefined
    this.#starts.takeLead(taken.regions, taken.isOurs, taken.now)
    return { term: taken.term, found: await this.#recover(taken, limits) }
  }

  async #recover({ sending, now }: Taken, limits: LeadLimits): Promise<Job[]> {
    const begun = sending.filter(row => row.call_begun).map(({ region }) => region)
    // SES may have seen the earlier leader's call as late as now
    for (const region of begun) this.#starts.stamp(region, now.monoMs)
    const wanted = sending.map(row => ({ row, change: recovered(row, limits, now.ms) }))
    return this.#change(wanted, now.ms, begun)
  }

  async heartbeat(nowMonoMs: MonoMs): Promise<void> {
    const nowMs = Math.round(this.#starts.inQueueTime(nowMonoMs))
    mustLead(await this.#beats.call<object | LostLead>('heartbeat_1', { ...this.#lead.ours, now_ms: nowMs }))
  }

  giveUpLead(): Promise<void> {
    return this.#lead.giveUp()
  }

  async plan(question: PlanQuestion): Promise<Plan | undefined> {
    const { nowMs, longestPauseMs, region, since, forecast } = question
    const { version, regions, pauses } = await this.#connection.call<PlanRow>('plan_1', {
      now_ms: Math.round(nowMs),
      longest_pause_ms: Math.round(longestPauseMs),
      region,
      since: since === this.#version.number ? this.#version.text : undefined,
    })
    if (regions === undefined || pauses === undefined) return undefined
    const number = version === this.#version.text ? this.#version.number : this.#version.number + 1
    this.#version = { number, text: version }
    if (forecast) await this.#setForecast(forecast, regions)
    const paused = new Set(pauses.map(one => one.region))
    return {
      version: number,
      regions: regions.map(row => regionPlan(row, paused.has('') || paused.has(row.region), question)),
      pauses: pauses.length === 0 ? [] : await pausesOf(this.#connection),
    }
  }

  async #setForecast(
    { spacingMs: mostlyMs, regions: apart }: NonNullable<PlanQuestion['forecast']>,
    regions: readonly RegionRow[],
  ): Promise<void> {
    const wanted = regions
      .map(({ region, spacing_ms }) => ({ region, spacing_ms, spacingMs: apart?.get(region) ?? mostlyMs }))
      .filter(({ spacing_ms, spacingMs }) => spacing_ms !== spacingMs)
    if (wanted.length === 0) return
    const spacings = Object.fromEntries(wanted.map(({ region, spacingMs }) => [region, spacingMs]))
    await this.#fenced('set_spacings_1', { spacings })
  }

  async expire(region: string, nowMs: EpochMs, marginMs: number): Promise<Job[]> {
    const last_ms = Math.round(nowMs + marginMs)
    const overdue = await this.#connection.call<JobRow[]>('overdue_1', {
      region,
      last_ms,
      limit: EXPIRE_ROWS,
    })
    return this.#change(
      overdue.map(row => ({ row, change: expired(jobOf(row)) })),
      nowMs,
    )
  }

  claim(region: string, now: Now, spacing: Spacing): Promise<Claim | undefined> {
    return this.#claims.next(region, now, spacing)
  }

  release(claim: Claim, nowMs: EpochMs): Promise<void> {
    return this.#claims.release(claim, nowMs)
  }

  begin(claim: Claim, now: Now): Promise<void> {
    return this.#claims.begin(claim, now)
  }

  settle(claim: Claim, effect: Effect, now: Settling): Promise<Settled> {
    return this.#claims.settle(claim, effect, now)
  }

  flushedMs(region: string): Promise<EpochMs> {
    return this.#connection.call('flushed_1', { region })
  }

  async prune(beforeMs: EpochMs): Promise<number> {
    const { jobs } = await this.#fenced<{ jobs: number }>('prune_1', {
      before_ms: Math.round(beforeMs),
      jobs: PRUNE_ROWS,
      answers: PRUNE_ANSWERS,
    })
    return jobs
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#beats.close()])
  }

  /**
   * Writes those changes whose job is as it was read. Returns these jobs, as they are now. `called`: regions in which SES
   * may have seen a call as late as now.
   */
  async #change(
    wanted: readonly WantedChange[],
    nowMs: EpochMs,
    called: readonly string[] = [],
  ): Promise<Job[]> {
    if (wanted.length === 0) return []
    const jobs = wanted.map(({ row: { seq, state, claims }, change }) => ({ seq, state, claims, change }))
    const { changed } = await this.#fenced<{ changed: JobRow[] }>('change_jobs_1', {
      now_ms: Math.round(nowMs),
      called,
      jobs,
    })
    return changed.map(jobOf)
  }

  async #fenced<T extends object>(name: string, args: object): Promise<T> {
    return mustLead(await this.#connection.call<T | LostLead>(name, { ...this.#lead.ours, ...args }))
  }
}

/** An earlier leader may still write the outcome of its call: the job is tried again a while later. */
function recovered(row: JobRow, limits: LeadLimits, nowMs: EpochMs): Change {
  const change = leftBehind(jobOf(row), row.call_begun, limits)
  const { pause } = limits
  if (!row.call_begun || change.state !== 'queued' || pause === undefined) return change
  return { ...change, notBeforeMs: interruptedUntilMs(row.deadline_ms, nowMs, pause) }
}

function regionPlan(
  { region, slowdown, first_ms, first_end_ms }: RegionRow,
  isPaused: boolean,
  { nowMs, longestPauseMs }: PlanQuestion,
): RegionPlan {
  const due = isPaused
    ? Number.POSITIVE_INFINITY
    : dueMs(first_ms, first_end_ms, nowMs, nowMs + longestPauseMs)
  return { region, slowdown, ...(Number.isFinite(due) && { dueMs: due }) }
}

/** Infinity: nothing waits. */
function dueMs(firstMs: number | null, firstEndMs: number | null, nowMs: number, latestMs: number): number {
  // a pause that ends later than any can is left from before the clock was set back
  if (firstMs !== null && (firstMs <= nowMs || firstMs > latestMs)) return 0
  return Math.min(firstMs ?? Number.POSITIVE_INFINITY, firstEndMs ?? Number.POSITIVE_INFINITY)
}
