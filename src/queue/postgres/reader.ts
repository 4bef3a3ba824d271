// Views of the queue for people, commands, metrics and tests. Each is one statement, or a few.

import { randomInt } from 'node:crypto'
import { addressKey } from '../../mail/address'
import { type CountedName, type DecisionNote, type Labels, RECENT_DECISIONS } from '../counters'
import type { JobEvent, JobState } from '../job'
import type { MailPlace, StoredMail } from '../mail-ledger'
import type { MailRecipient, QueueReader } from '../operator'
import type { RelaySigns } from '../relay-signs'
import type { Activity, DeadlineBucket, RuleCount } from '../stats'
import { auditReader } from './audit'
import type { PostgresConnection } from './connection'
import { type DecisionRow, noteOf } from './decision-row'
import { type JobRow, jobOf } from './job-row'
import { listJobs, pageOfJobs } from './list'
import { pausesOf } from './pauses'
import { mailTotalsOf, stats, sumsByState } from './stats'

/** The same time as in SQLite's relaySigns. */
const DAY_MS = 86_400_000

/** `home`: of the mail on disk. `host`: the name of this host. */
export interface ReaderOptions {
  home: string
  host: string
}

export function readerOf(connection: PostgresConnection, options: ReaderOptions) {
  const counts = <T>(what: string, args: Record<string, unknown> = {}) =>
    connection.call<T | null>('queue_counts_1', { what, ...args })
  const views = <T>(what: string, args: Record<string, unknown> = {}) =>
    connection.call<T | null>('count_views_1', { what, ...args })
  const record = (id: string) =>
    connection.call<{ job: JobRow; history: JobEvent[] } | null>('job_record_1', { id })
  return {
    clock: connection.queueClock,
    // no number of the database changes with every write, and only with these
    version: async () => randomInt(2 ** 47),
    job: async (id: string) => {
      const found = await record(id)
      return found === null ? undefined : jobOf(found.job)
    },
    history: async (id: string) => (await record(id))?.history ?? [],
    pauses: () => pausesOf(connection),
    jobs: (query = {}) => listJobs(connection, query),
    page: query => pageOfJobs(connection, query),
    soonest: async (most: number) => (await connection.call<JobRow[]>('soonest_jobs_1', { most })).map(jobOf),
    stats: (now, pace) => stats(connection, options, now.ms, pace),
    countByState: async () => {
      const found = (await counts<Record<JobState, number>>('states')) ?? {}
      return sumsByState(
        Object.entries<number>(found).map(([state, jobs]) => ({ state: state as JobState, jobs })),
      )
    },
    countByRule: async () => {
      const found = (await counts<[rule: string, states: RuleCount['states']][]>('rules')) ?? []
      return found.map(([rule, states]) => ({ rule, states }))
    },
    regions: async () => (await counts<string[]>('regions')) ?? [],
    sums: async ({ ofThisHost = false } = {}) => {
      const asked = ofThisHost ? { host: options.host } : {}
      const found = (await views<[name: CountedName, labels: string, value: number][]>('sums', asked)) ?? []
      return found.map(([name, labels, value]) => ({ name, labels: JSON.parse(labels) as Labels, value }))
    },
    decisions: async (most = RECENT_DECISIONS): Promise<DecisionNote[]> =>
      ((await views<DecisionRow[]>('decisions', { most })) ?? []).map(noteOf),
    ruleHits: async () => {
      const found = (await views<[rule: string, hits: number, lastMs: number][]>('rules')) ?? []
      return found.map(([rule, hits, lastMs]) => ({ rule, hits, lastMs }))
    },
    activity: async (fromMs: number) =>
      (await counts<Activity>('activity', { fromMs: Math.round(fromMs) })) ?? { buckets: [], waiting: 0 },
    statesOf: async (recipients: readonly MailRecipient[]) => {
      const pairs = recipients.map(({ sesId, address }) => [sesId, addressKey(address)])
      const found = await connection.call<[place: number, id: string, state: JobState][]>('states_of_1', {
        recipients: pairs,
      })
      const byPlace = new Map(found.map(([place, id, state]) => [place, { id, state }]))
      return recipients.map((_recipient, index) => byPlace.get(index + 1))
    },
    lostSince: async (sinceMs: number, most: number) => {
      const args = { sinceMs: Math.round(sinceMs), most }
      const { jobs, lost } = await connection.call<{ jobs: JobRow[]; lost: number }>('lost_since_1', args)
      return { jobs: jobs.map(jobOf), all: lost }
    },
    deadlineBuckets: async () => (await counts<DeadlineBucket[]>('deadlines')) ?? [],
    mailTotals: async () =>
      mailTotalsOf(
        (await counts<Partial<Record<MailPlace, StoredMail>>>('mail', { home: options.home })) ?? {},
      ),
    audit: auditReader(connection),
    relaySigns: async (nowMs: number) =>
      (await counts<RelaySigns>('relay', { fromMs: Math.round(nowMs - DAY_MS) })) ?? {
        refused: 0,
        mails: 0,
        besideFor: 0,
        notifyNever: 0,
      },
    close: () => connection.close(),
  } satisfies QueueReader
}
