// The queue's two engines with a day of jobs waiting, in turns: what a bounce and a call cost, and how many workers of
// several hosts add at once. Rejects if a job isn't added, or none is claimed.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { submit } from '../../src/app/submit'
import { forecastSpacingMs } from '../../src/queue/forecast'
import { openDispatcherQueue } from '../../src/queue/postgres/dispatcher-queue'
import type { PostgresTarget } from '../../src/queue/postgres/target'
import { openWorkerQueue } from '../../src/queue/postgres/worker-queue'
import { openWorkerQueue as openFile, type SqliteWorkerQueue } from '../../src/queue/sqlite/open'
import type { DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { type PostgresServer, startServer } from '../../test/postgres/server'
import { makeFolder, removeFolder } from '../live/folder'
import { queueWith } from '../live/full-queue'
import { DAY_OF_JOBS, deadlineOf, REGION, requestOf } from '../live/jobs'
import { postgresQueue } from '../live/postgres-queue'
import { median, PROCESS, ratioOf } from '../measure'
import { pseudoRandom } from '../text'
import { type Findings, type Found, foundRatio, type Size, type Trial } from '../trial'

const SCALES = {
  whole: { jobs: DAY_OF_JOBS, rounds: 10, steps: 100 },
  least: { jobs: 20, rounds: 1, steps: 2 },
}
const WORKERS = 8

/** The limit of the trial of a long queue: a day of jobs fits into the day, with room for more. */
const LIMIT = { intervalMs: 850, slackMs: 5 }
const SPACING_MS = forecastSpacingMs(LIMIT)
const MARGIN_MS = 60_000
const HOME = '/bench'

export const engines: Trial = {
  name: 'engines',
  title: 'SQLite and PostgreSQL',
  about: `One bounce is added, and one is called for, with ${DAY_OF_JOBS.toLocaleString('en')} jobs waiting, in SQLite's file and in PostgreSQL. The server is on
the same machine, and each commit is flushed. Adding is what a worker does for a bounce: one question, and one
transaction. p99: 99 of 100 take no longer.`,
  rows: [
    {
      key: 'awaited',
      name: 'SQLite, adding a bounce, CPU time: awaited against synchronous',
      goal: { atMost: 1.03 },
    },
    { key: 'addTime', name: 'PostgreSQL, adding a bounce, p99', unit: 'ms', goal: { atMost: 20 } },
    { key: 'client', name: "the worker's CPU time: PostgreSQL against SQLite", goal: { atMost: 0.8 } },
    { key: 'server', name: "the server's CPU time for a bounce", unit: 'ms', goal: { atMost: 1.5 } },
    { key: 'full', name: "the server's CPU time: full against empty", goal: { atMost: 1.8 } },
    {
      key: 'call',
      name: 'PostgreSQL, calling for a job (claim, begin, settle), p99',
      unit: 'ms',
      goal: { atMost: 30 },
    },
    {
      key: 'many',
      name: `${WORKERS} workers, time for each bounce of all`,
      unit: 'ms',
      goal: { atMost: 3.3 },
    },
    { key: 'manyTime', name: `${WORKERS} workers, adding a bounce, p99`, unit: 'ms', goal: { atMost: 100 } },
    {
      key: 'known',
      name: `${WORKERS} workers, time for each mail of all that is looked for`,
      unit: 'ms',
      goal: { atMost: 0.2 },
    },
  ],
  run: async size => compare(size),
}

async function compare(size: Size): Promise<Findings> {
  const { jobs, rounds, steps } = SCALES[size]
  const folder = makeFolder()
  const server = await startServer()
  try {
    const file = path.join(folder, 'queue.sqlite')
    queueWith(jobs, file)
    const [sqlite, empty, full] = [
      openFile(file, { home: HOME }),
      await Side.open(server, 0),
      await Side.open(server, jobs),
    ]
    const sums = { sync: new Sum(), awaited: new Sum(), empty: new Sum(), full: new Sum(), call: new Sum() }
    // one extra round to warm up
    for (let round = -1; round < rounds; round++) {
      if (round === 0) for (const sum of Object.values(sums)) sum.forget()
      await addSynchronously(sqlite, steps, sums.sync)
      await addAll(sqlite, steps, sums.awaited)
      await empty.add(steps, sums.empty)
      await full.add(steps, sums.full)
      await full.call(steps, sums.call)
    }
    const found = {
      awaited: ratio(sums.awaited.cpu, sums.sync.cpu),
      addTime: p99(sums.full.times),
      client: ratio(sums.full.cpu, sums.awaited.cpu),
      server: inMs(
        median(sums.full.server) / 1000,
        `${Math.round(median(sums.empty.server))} µs when the queue is empty`,
      ),
      full: ratio(sums.full.server, sums.empty.server),
      call: p99(sums.call.times),
      ...(await many(full.target, steps * rounds)),
    }
    sqlite.close()
    await empty.close()
    await full.close()
    return found
  } finally {
    await server.remove()
    removeFolder(folder)
  }
}

/** A queue in PostgreSQL, and what its server's process of the worker uses. */
class Side {
  readonly target: PostgresTarget
  readonly #worker: WorkerQueue
  readonly #dispatcher: DispatcherQueue
  readonly #backend: number

  private constructor(
    target: PostgresTarget,
    worker: WorkerQueue,
    dispatcher: DispatcherQueue,
    backend: number,
  ) {
    this.target = target
    this.#worker = worker
    this.#dispatcher = dispatcher
    this.#backend = backend
  }

  static async open(server: PostgresServer, jobs: number): Promise<Side> {
    const target = await postgresQueue(server, jobs, SPACING_MS)
    const worker = openWorkerQueue(target, { home: HOME })
    await worker.look({ sesId: 'first', nowMs: Date.now() })
    const [row] = await server.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE query LIKE '%"${target.schema}"."look\\_1"%' AND pid <> pg_backend_pid()`,
    )
    const dispatcher = openDispatcherQueue({ ...target, connections: 2, hostName: 'bench' })
    const lead = await dispatcher.takeLead(() => ({ ms: Date.now(), monoMs: performance.now() }), {
      staleMs: 8000,
      unknownTries: 3,
      interruptions: 10,
    })
    if (lead === undefined || row === undefined) throw new Error('another dispatcher leads')
    return new Side(target, worker, dispatcher, row.pid)
  }

  async add(steps: number, sum: Sum): Promise<void> {
    const before = cpuMicrosOf(this.#backend)
    await addAll(this.#worker, steps, sum)
    sum.server.push((cpuMicrosOf(this.#backend) - before) / steps)
  }

  async call(steps: number, sum: Sum): Promise<void> {
    await sum.round(steps, async () => {
      const now = { ms: Date.now(), monoMs: performance.now() }
      const spacing = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 600_000, marginMs: MARGIN_MS }
      const claim = await this.#dispatcher.claim(REGION, now, spacing)
      if (claim === undefined) throw new Error('no job to call for')
      await this.#dispatcher.begin(claim, now)
      const sent = { state: 'sent', messageId: claim.job.sesId, detail: 'taken by SES' } as const
      await this.#dispatcher.settle(claim, sent, { ms: Date.now(), seenMonoMs: performance.now() })
    })
  }

  async close(): Promise<void> {
    await this.#dispatcher.giveUpLead()
    await this.#dispatcher.close()
    await this.#worker.close()
  }
}

const pick = pseudoRandom(1)
let number = 1_000_000

function nextRequest(nowMs: number) {
  return requestOf(number++, nowMs, deadlineOf(pick(1000), 1000, nowMs))
}

function forecastNow() {
  return { nowMonoMs: performance.now(), spacingMs: SPACING_MS, marginMs: MARGIN_MS }
}

async function addAll(worker: WorkerQueue, steps: number, sum: Sum): Promise<void> {
  await sum.round(steps, async () => {
    const nowMs = Date.now()
    const request = nextRequest(nowMs)
    const forecast = forecastNow()
    const [foreseen] = await submit([request], worker, { nowMs, forecast, dryRun: true })
    const [added] = await submit([request], worker, { nowMs, forecast })
    if (foreseen?.outcome !== 'added' || added?.outcome !== 'added')
      throw new Error(`no room for a job: ${foreseen?.outcome}, then ${added?.outcome}`)
  })
}

/** Asks the same as `submit`, without a promise. */
async function addSynchronously(worker: SqliteWorkerQueue, steps: number, sum: Sum): Promise<void> {
  await sum.round(steps, () => {
    const nowMs = Date.now()
    const request = nextRequest(nowMs)
    const { sesId, region, deadlineMs, caps } = request
    const forecast = forecastNow()
    worker.look({ sesId, nowMs, bounce: { region, deadlineMs, caps, nowMonoMs: forecast.nowMonoMs } })
    const [added] = worker.add([request], nowMs, { forecast })
    if (added?.outcome !== 'added') throw new Error(`no room for a job: ${added?.outcome}`)
  })
}

/** Workers of several hosts at once. */
async function many(target: PostgresTarget, each: number): Promise<Findings> {
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, async () =>
      openWorkerQueue({ ...target, connections: 1 }, { home: HOME }),
    ),
  )
  const sum = new Sum()
  const timed = async (work: (worker: WorkerQueue) => Promise<void>) => {
    const at = performance.now()
    await Promise.all(workers.map(work))
    return (performance.now() - at) / (each * WORKERS)
  }
  const known = await timed(async worker => {
    for (let step = 0; step < each; step++) await worker.look({ sesId: `mail${step}`, nowMs: Date.now() })
  })
  const add = await timed(worker => addAll(worker, each, sum))
  for (const worker of workers) await worker.close()
  return {
    known: inMs(known, `${Math.round(1000 / known).toLocaleString('en')} a second`),
    many: inMs(add, `${Math.round(1000 / add)} a second`),
    manyTime: p99(sum.times),
  }
}

/** For each round: CPU time of this process and of the server's, for one thing. For each thing: its time. */
class Sum {
  readonly cpu: number[] = []
  readonly server: number[] = []
  readonly times: number[] = []

  async round(steps: number, work: () => Promise<void> | void): Promise<void> {
    const cpu = PROCESS()
    for (let step = 0; step < steps; step++) {
      const at = performance.now()
      await work()
      this.times.push(performance.now() - at)
    }
    this.cpu.push((PROCESS() - cpu) / steps)
  }

  forget(): void {
    for (const list of [this.cpu, this.server, this.times]) list.length = 0
  }
}

/** proc(5): the first number is the time on the CPU in nanoseconds. */
function cpuMicrosOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000
}

function ratio(of: readonly number[], against: readonly number[]): Found {
  return foundRatio(
    ratioOf(of, against),
    `${Math.round(median(of))} µs against ${Math.round(median(against))} µs`,
  )
}

function p99(times: readonly number[]): Found {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return inMs(at(0.99), `half of them within ${at(0.5).toFixed(1)} ms`)
}

function inMs(figure: number, beside: string): Found {
  return { figure, beside }
}
