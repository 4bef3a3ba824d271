// A dispatcher's claims in PostgreSQL. The functions take the next job and write the outcome of its call;
// ../transitions.ts and ../settlement.ts decide each step from the facts that the functions have read.

import { QueueError } from '../../errors'
import { addressKey } from '../../mail/address'
import type { EpochMs } from '../../units'
import { errorOf, type RefusalFacts } from '../breaker'
import type { JobState } from '../job'
import { newJobId } from '../job-id'
import { type CallFacts, type Settlement, settlementOf } from '../settlement'
import type { Claim, Effect, Now, Settled, Settling, Spacing, StateChange } from '../store'
import { claimed, released } from '../transitions'
import type { CallSpacing } from './call-spacing'
import { type JobRow, jobOf } from './job-row'
import { type LostLead, mustLead, type PostgresLead } from './lead'

/** A job that changed each time between the reading and the writing: so often is more than others can do to it. */
const MOST_READINGS = 5

interface Calls {
  call<T>(name: string, args: object): Promise<T>
}

/** `[claim, state, changes]` */
type SettledRow = [number: number, state: Settled['state'], changes?: StateChange[]]

/** The answer of `call_facts_1`. */
interface CallFactsRow {
  state: JobState
  settled: SettledRow | null
  last_event: string | null
  region_paused: boolean
  sender_by_refusals: boolean | null
  refusal?: {
    was_put_back: boolean
    others_in_row: number
    waits_untried: boolean
    first_waiting: NonNullable<RefusalFacts['firstWaiting']> | null
    first_failed: NonNullable<RefusalFacts['firstFailed']> | null
  }
}

/** The job was claimed again, or isn't on record any more. */
interface Gone {
  gone: true
}

export class Claims {
  readonly #connection: Calls
  readonly #lead: PostgresLead
  readonly #starts: CallSpacing

  constructor(connection: Calls, lead: PostgresLead, starts: CallSpacing) {
    this.#connection = connection
    this.#lead = lead
    this.#starts = starts
  }

  /** The next call of the region. */
  async next(region: string, now: Now, spacing: Spacing): Promise<Claim | undefined> {
    this.#starts.at(now)
    const earliestMs = this.#starts.lastStart(region) + spacing.spacingMs
    const startAtMonoMs = Math.max(now.monoMs, earliestMs, spacing.notBeforeMonoMs)
    const sending = { state: 'sending' } as const
    const { job: row } = await this.#fenced<{ job: JobRow | null }>('claim_1', {
      region,
      now_ms: Math.round(now.ms),
      longest_pause_ms: Math.round(spacing.longestPauseMs),
      margin_ms: Math.round(spacing.marginMs ?? 0),
      start_in_ms: startAtMonoMs - now.monoMs,
      put_back: released(sending, 'the dispatcher claimed again before the call'),
      change: claimed({ state: 'queued' }, startAtMonoMs - now.monoMs),
    })
    if (row === null) return undefined
    this.#starts.stamp(region, startAtMonoMs)
    return { job: jobOf(row), number: row.claims, startAtMonoMs }
  }

  async release(claim: Claim, nowMs: EpochMs): Promise<void> {
    const change = released(claim.job)
    mustBeOurs(claim, await this.#fenced('release_1', { ...idOf(claim), now_ms: Math.round(nowMs), change }))
  }

  async begin(claim: Claim, now: Now): Promise<void> {
    this.#starts.at(now)
    mustBeOurs(claim, await this.#fenced('begin_call_1', { ...idOf(claim), now_ms: Math.round(now.ms) }))
    this.#starts.stamp(claim.job.region, now.monoMs)
  }

  /** A dispatcher that has lost the lead may call it too, as it knows the outcome of its call. */
  async settle(claim: Claim, effect: Effect, now: Settling): Promise<Settled> {
    const { job } = claim
    this.#starts.stamp(job.region, now.seenMonoMs)
    const isRefused = effect.state === 'failed' && effect.pauses !== undefined
    const error = isRefused ? errorOf(job, effect.detail) : null
    for (let readings = 0; readings < MOST_READINGS; readings++) {
      const facts = mustBeOurs(
        claim,
        await this.#connection.call<CallFactsRow | Gone>('call_facts_1', { ...idOf(claim), error }),
      )
      if (facts.settled?.[0] === claim.number) return settledOf(facts.settled)
      if (!isOpen(facts)) break
      const settlement = settlementOf(job, effect, callFactsOf(facts))
      const answer = mustBeOurs(claim, await this.#write(claim, facts.state, settlement, now))
      if ('settled' in answer) return settledOf(answer.settled)
      if (!('changed' in answer)) return settlement.answer
    }
    throw lost(claim)
  }

  #write(
    claim: Claim,
    state: JobState,
    { job: change, split, sender, unconfirmed, answer }: Settlement,
    { ms, seenMonoMs, slowdown }: Settling,
  ): Promise<object | { settled: SettledRow } | { changed: true } | Gone> {
    const { changes } = answer
    const settled: SettledRow =
      changes.length > 0 ? [claim.number, answer.state, changes] : [claim.number, answer.state]
    return this.#connection.call('settle_1', {
      ...this.#lead.ours,
      ...idOf(claim),
      state,
      now_ms: Math.round(ms),
      start_in_ms: this.#starts.inQueueTime(seenMonoMs) - ms,
      slowdown,
      change,
      settled,
      sender,
      unconfirmed,
      ...(split && {
        split: {
          event: split.event,
          others: split.others.map(address => ({ id: newJobId(Math.round(ms)), key: addressKey(address) })),
        },
      }),
    })
  }

  async #fenced<T extends object>(name: string, args: object): Promise<T> {
    return mustLead(await this.#connection.call<T | LostLead>(name, { ...this.#lead.ours, ...args }))
  }
}

function idOf({ job, number }: Claim): { id: string; number: number } {
  return { id: job.id, number }
}

/**
 * The next leader may have queued or held the job meanwhile, as one whose call was interrupted; the outcome of the
 * call counts then. Nothing else may have happened to it.
 */
function isOpen({ state, last_event }: CallFactsRow): boolean {
  if (state === 'sending') return true
  return (state === 'queued' && last_event === 'retry') || (state === 'held' && last_event === 'held')
}

function callFactsOf({ region_paused, sender_by_refusals, refusal }: CallFactsRow): CallFacts {
  return {
    isRegionPaused: region_paused,
    ...(sender_by_refusals !== null && { senderPausedBy: sender_by_refusals ? 'refusals' : 'answer' }),
    ...(refusal && {
      refusal: {
        wasPutBack: refusal.was_put_back,
        othersInRow: refusal.others_in_row,
        waitsUntried: refusal.waits_untried,
        ...(refusal.first_waiting && { firstWaiting: refusal.first_waiting }),
        ...(refusal.first_failed && { firstFailed: refusal.first_failed }),
      },
    }),
  }
}

function settledOf([, state, changes = []]: SettledRow): Settled {
  return { state, changes }
}

function mustBeOurs<T extends object>(claim: Claim, answer: T | Gone): T {
  if ('gone' in answer) throw lost(claim)
  return answer
}

function lost({ job: { id } }: Claim): QueueError {
  return new QueueError('QUEUE_LOCK_LOST', `job ${id} is no longer ours`)
}
