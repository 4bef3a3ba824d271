// The operator's side of the queue: views, and changes by hand beside a dispatcher that runs (../by-hand.ts has the
// rules). A change is decided from what was read, and written only if that is still so; else it is read again.

import { randomBytes } from 'node:crypto'
import { QueueError } from '../../errors'
import type { EpochMs } from '../../units'
import { cancel, hold, retry } from '../by-hand'
import { DeadlineHistogram } from '../deadline-histogram'
import type { JobFacts } from '../job'
import type { ByHand, OperatorQueue } from '../operator'
import type { Change } from '../transitions'
import { auditOf } from './audit'
import type { PostgresConnection } from './connection'
import { type JobRow, jobOf } from './job-row'
import { addPause, removePause } from './pauses'
import { type ReaderOptions, readerOf } from './reader'
import { releaseTokens } from './release-tokens'
import { placeOf } from './target'

/** A region's queue changes some times a second at most, and reading it takes less. */
const MOST_TRIES = 20
/** The most ended sessions: people don't sign out a thousand times a day. */
const MOST_ENDED = 1000
/** As the other engine's: 64 hex digits. */
const SECRET_BYTES = 32

export function operatorQueueOf(
  connection: PostgresConnection,
  options: ReaderOptions,
  mail: OperatorQueue['mail'],
): OperatorQueue {
  return {
    ...readerOf(connection, options),
    retry: (id, nowMs, pace) =>
      change(connection, { id, nowMs, readsQueue: true }, (job, queue) => {
        const ahead = ({ deadlineMs }: JobFacts) => ({
          ...new DeadlineHistogram(queue.deadlines).ahead(deadlineMs, queue.spacingMs),
          spacingMs: queue.spacingMs,
        })
        return retry(job, ahead, nowMs, pace)
      }),
    cancel: (id, nowMs) => change(connection, { id, nowMs }, cancel),
    hold: (id, nowMs) => change(connection, { id, nowMs }, hold),
    pause: (region, nowMs, audit) => addPause(connection, region, nowMs, audit),
    resume: (region, audit) => removePause(connection, region, audit),
    audit: auditOf(connection),
    secret: async () => {
      const secret = await connection.call<string | null>('session_1', { what: 'secret' })
      if (secret === null)
        throw new QueueError('QUEUE_UNREADABLE', `${placeOf(connection.target)}: the secret is not there`)
      return secret
    },
    endSession: async (id, endMs, nowMs) => {
      const newSecret = randomBytes(SECRET_BYTES).toString('hex')
      const times = { endMs: Math.round(endMs), nowMs: Math.round(nowMs) }
      await connection.call('session_1', { what: 'end', id, ...times, most: MOST_ENDED, newSecret })
    },
    isSessionEnded: id => connection.call('session_1', { what: 'ended', id }),
    mail,
    releaseTokens: releaseTokens(connection),
  }
}

interface Queue {
  version: string | null
  spacingMs: number
  deadlines: number[]
}

const NO_QUEUE: Queue = { version: null, spacingMs: 0, deadlines: [] }

/** `decide`: pure. `readsQueue`: it depends on the other jobs of the region, too. */
async function change(
  connection: PostgresConnection,
  { id, nowMs, readsQueue = false }: { id: string; nowMs: EpochMs; readsQueue?: boolean },
  decide: (job: JobFacts | undefined, queue: Queue) => Change | Extract<ByHand, { fault: string }>,
): Promise<ByHand> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const found = await connection.call<({ job: JobRow } & Partial<Queue>) | null>('job_facts_1', {
      id,
      queued: readsQueue,
    })
    const decided = decide(found === null ? undefined : jobOf(found.job), { ...NO_QUEUE, ...found })
    if (!('events' in decided) || found === null) return decided as Extract<ByHand, { fault: string }>
    const { seq, state, region, changed_ms, claims } = found.job
    const read = { seq, state, region, changed_ms, claims, ...(readsQueue && { version: found.version }) }
    const args = { read, change: decided, now_ms: Math.round(nowMs) }
    if (await connection.call<boolean>('change_by_hand_1', args))
      return { value: { from: state, to: decided.state } }
  }
  throw new QueueError('QUEUE_BUSY', `${placeOf(connection.target)}: job ${id} changes all the time`)
}
