// The lead of one dispatcher: one row that names it, with a heartbeat each second. A silent one loses the lead when its
// heartbeat hasn't changed for a while on the clock of a dispatcher that stands by: no two clocks are compared. A dead
// process of this machine loses it at once.

import { QueueError } from '../../errors'
import type { MonoMs } from '../../units'
import { isAlive, type LeaseOwner } from '../lease-owner'
import type { LeaderElsewhere, Now } from '../store'
import type { JobRow } from './job-row'

/** Time between two looks at the leader, a fifth more or less, so that dispatchers don't ask all at once. */
const LOOK_MS = 1000
const JITTER = 0.2

/** The part of a connection that the lead needs. */
interface Calls {
  call<T>(name: string, args: object): Promise<T>
}

interface LeaderRow {
  term: number
  token: string
  host: string
  beat: number
}

export interface Taken {
  term: number
  /** The one before was of this process, too, and no other has led in between. */
  isOurs: boolean
  /** Regions that have had a call. */
  regions: string[]
  /** Jobs that are being sent. */
  sending: JobRow[]
  /** The time when the answer was here. */
  now: Now
}

/** The answer of a function that changes nothing, as another dispatcher leads. */
export interface LostLead {
  lost: Pick<LeaderRow, 'term' | 'host'>
}

export class PostgresLead {
  readonly #connection: Calls
  readonly #token: string
  readonly #owner: LeaseOwner
  readonly #host: string
  #term: number | undefined
  /** The latest heartbeat of another dispatcher, since the answer that showed it first. */
  #seen: { row: LeaderRow; sinceMonoMs: MonoMs } | undefined
  #elsewhere: LeaderElsewhere | undefined

  constructor(connection: Calls, owner: LeaseOwner, host: string) {
    this.#connection = connection
    this.#owner = owner
    this.#token = tokenOf(owner)
    this.#host = host
  }

  /** Arguments of every function that only the leader may call. */
  get ours(): { term: number; token: string } {
    return { term: this.#term ?? 0, token: this.#token }
  }

  get elsewhere(): LeaderElsewhere | undefined {
    return this.#elsewhere
  }

  /** Undefined: another dispatcher leads. */
  async take(now: () => Now, staleMs: number): Promise<Taken | undefined> {
    const seen = await this.#connection.call<LeaderRow>('leader_1', {})
    const before = now()
    const isOwn = seen.token === this.#token
    if (!isOwn && this.#isHeld(seen, before.monoMs, staleMs)) return undefined
    const taken = await this.#connection.call<{ term: number | null } & Omit<Taken, 'term'>>('take_lead_1', {
      seen,
      token: this.#token,
      host: this.#host,
      now_ms: Math.round(before.ms),
    })
    // another one was faster, and is found now
    if (taken.term === null) return this.take(now, staleMs)
    const isOurs = isOwn && seen.term === this.#term
    this.#term = taken.term
    this.#seen = undefined
    this.#elsewhere = undefined
    return { term: taken.term, isOurs, regions: taken.regions, sending: taken.sending, now: now() }
  }

  /** So the next dispatcher doesn't wait. */
  async giveUp(): Promise<void> {
    if (this.#term !== undefined) await this.#connection.call('give_up_lead_1', { token: this.#token })
  }

  #isHeld(row: LeaderRow, nowMonoMs: MonoMs, staleMs: number): boolean {
    if (row.token === '' || this.#isDead(row.token)) return false
    const { term, beat, host } = row
    if (this.#seen?.row.term !== term || this.#seen.row.beat !== beat)
      this.#seen = { row, sinceMonoMs: nowMonoMs }
    const leftMs = this.#seen.sinceMonoMs + staleMs - nowMonoMs
    if (leftMs <= 0) return false
    const lookMs = LOOK_MS * (1 + JITTER * (2 * Math.random() - 1))
    this.#elsewhere = { term, host, askAgainMs: Math.min(lookMs, leftMs) }
    return true
  }

  /** A process of this machine, which can be seen, and isn't there any more. */
  #isDead(token: string): boolean {
    const { bootId, pidSpace } = this.#owner
    const [, boot, space, pid, pidStart = ''] = token.split(' ')
    return pidSpace !== '' && boot === bootId && space === pidSpace && !isAlive(Number(pid), pidStart)
  }
}

/** @throws QueueError QUEUE_LOCK_LOST */
export function mustLead<T extends object>(answer: T | LostLead): T {
  if (!('lost' in answer)) return answer
  const { term, host } = answer.lost
  throw new QueueError('QUEUE_LOCK_LOST', `lost the lead: term ${term} is of ${host}`)
}

function tokenOf({ token, bootId, pidSpace, pid, pidStart }: LeaseOwner): string {
  return [token, bootId, pidSpace, pid, pidStart].join(' ')
}
