// The cost of a job when a day of jobs waits, compared with none: the same steps in turns, on files on disk.
// Rejects if a job isn't added, or an unexpected one is claimed.

import path from 'node:path'
import { submit } from '../../src/app/submit'
import { forecastSpacingMs } from '../../src/queue/forecast'
import { openDispatcherQueue, openWorkerQueue, type SqliteDispatcherQueue } from '../../src/queue/sqlite/open'
import type { DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { makeFolder, removeFolder } from '../live/folder'
import { queueWith } from '../live/full-queue'
import { DAY_OF_JOBS, deadlineOf, REGION, requestOf } from '../live/jobs'
import { median, PROCESS, ratioOf } from '../measure'
import { pseudoRandom } from '../text'
import { type Findings, foundRatio, type Size, type Trial } from '../trial'

const SCALES = {
  whole: { jobs: DAY_OF_JOBS, rounds: 15, steps: 150 },
  least: { jobs: 20, rounds: 1, steps: 2 },
}

/** With it a day of jobs fits into the day with room for one more. There is no real waiting. */
const LIMIT = { intervalMs: 850, slackMs: 5 }
const SPACING_MS = forecastSpacingMs(LIMIT)
const MARGIN_MS = 60_000
const LONGEST_PAUSE_MS = 600_000

export const queue: Trial = {
  name: 'queue',
  title: 'A long queue',
  about: `One job is taken, and one is called for, with ${DAY_OF_JOBS.toLocaleString('en')} jobs waiting (as many as SES takes in a day) and with none.
Taking one is what a worker does for a bounce: the mail is looked for, the forecast is asked whether the bounce would
start in time, and the job is written in a transaction that counts the sender's bounces and asks the forecast again.
Calling for one is what the dispatcher writes: claim, begin and settle, and its heartbeat, with which it copies the WAL
into the queue file. New jobs have deadlines anywhere in the day;
the soonest goes first. Both files are on the disk, and each commit is flushed; what the flush takes is in the time, not
in the CPU time. In each of ${SCALES.whole.rounds} rounds both queues have their turn, ${SCALES.whole.steps} jobs each.`,
  rows: [
    { key: 'add', name: 'taking a job, CPU time: full against empty', goal: { atMost: 1.2 } },
    { key: 'addTime', name: 'taking a job, time with its flush: full against empty' },
    { key: 'claim', name: 'calling for a job, CPU time: full against empty', goal: { atMost: 1.15 } },
    { key: 'claimTime', name: 'calling for a job, time with its flushes: full against empty' },
  ],
  run: async size => compare(size),
}

/** Microseconds for one job, for each round. */
interface Costs {
  add: number[]
  addTime: number[]
  claim: number[]
  claimTime: number[]
}

async function compare(size: Size): Promise<Findings> {
  const { jobs, rounds, steps } = SCALES[size]
  const folder = makeFolder()
  const [empty, full] = [new Side(0, folder), new Side(jobs, folder)]
  try {
    // one extra round to warm up
    for (let round = -1; round < rounds; round++)
      for (const side of round % 2 === 0 ? [empty, full] : [full, empty]) await side.round(steps, round >= 0)
    const found = (key: keyof Costs) => {
      const [of, against] = [full.costs[key], empty.costs[key]]
      return foundRatio(
        ratioOf(of, against),
        `${Math.round(median(of))} µs against ${Math.round(median(against))} µs`,
      )
    }
    return {
      add: found('add'),
      addTime: found('addTime'),
      claim: found('claim'),
      claimTime: found('claimTime'),
    }
  } finally {
    empty.close()
    full.close()
    removeFolder(folder)
  }
}

/** A queue of constant length: a job is added, then one is claimed. */
class Side {
  readonly costs: Costs = { add: [], addTime: [], claim: [], claimTime: [] }
  readonly #worker: WorkerQueue
  readonly #dispatcher: SqliteDispatcherQueue
  readonly #pick = pseudoRandom(1)
  #number = 1_000_000
  #now = { ms: Date.now(), monoMs: Number(process.hrtime.bigint()) / 1e6 }

  constructor(jobs: number, folder: string) {
    const file = path.join(folder, `${jobs}.sqlite`)
    queueWith(jobs, file)
    this.#worker = openWorkerQueue(file)
    this.#dispatcher = openDispatcherQueue(file)
    const lead = this.#dispatcher.takeLead(() => this.#now, {
      staleMs: 1000,
      unknownTries: 3,
      interruptions: 10,
    })
    if (lead === undefined) throw new Error('another dispatcher leads')
    this.#dispatcher.plan({
      nowMs: this.#now.ms,
      longestPauseMs: LONGEST_PAUSE_MS,
      forecast: { spacingMs: SPACING_MS },
    })
  }

  async round(steps: number, counts: boolean): Promise<void> {
    const add = new Sum()
    const claim = new Sum()
    for (let step = 0; step < steps; step++) {
      await this.#add(add)
      await this.#call(claim)
      this.#now = { ms: this.#now.ms + SPACING_MS, monoMs: this.#now.monoMs + SPACING_MS }
    }
    if (!counts) return
    this.costs.add.push(add.cpuMicros / steps)
    this.costs.addTime.push(add.micros / steps)
    this.costs.claim.push(claim.cpuMicros / steps)
    this.costs.claimTime.push(claim.micros / steps)
  }

  async #add(sum: Sum): Promise<void> {
    const { ms, monoMs } = this.#now
    const forecast = { nowMonoMs: monoMs, spacingMs: SPACING_MS, marginMs: MARGIN_MS }
    const request = requestOf(this.#number++, ms, deadlineOf(this.#pick(1000), 1000, ms))
    await sum.measure(async () => {
      const [foreseen] = await submit([request], this.#worker, { nowMs: ms, forecast, dryRun: true })
      const [added] = await submit([request], this.#worker, { nowMs: ms, forecast })
      if (foreseen?.outcome !== 'added' || added?.outcome !== 'added')
        throw new Error(`no room for a job: ${foreseen?.outcome}, then ${added?.outcome}`)
    })
  }

  async #call(sum: Sum): Promise<void> {
    const { ms, monoMs } = this.#now
    const dispatcher: DispatcherQueue = this.#dispatcher
    const spacing = {
      spacingMs: LIMIT.intervalMs + LIMIT.slackMs,
      notBeforeMonoMs: monoMs,
      longestPauseMs: LONGEST_PAUSE_MS,
      marginMs: MARGIN_MS,
    }
    await sum.measure(async () => {
      const claim = await dispatcher.claim(REGION, { ms, monoMs }, spacing)
      if (claim === undefined) throw new Error('no job to call for')
      await dispatcher.begin(claim, { ms, monoMs })
      const sent = { state: 'sent', messageId: claim.job.sesId, detail: 'taken by SES' } as const
      await dispatcher.settle(claim, sent, { ms, seenMonoMs: monoMs })
      await dispatcher.heartbeat(monoMs)
    })
  }

  close(): void {
    void this.#worker.close()
    this.#dispatcher.close()
  }
}

class Sum {
  cpuMicros = 0
  micros = 0

  async measure(work: () => unknown): Promise<void> {
    const [cpu, at] = [PROCESS(), performance.now()]
    await work()
    this.cpuMicros += PROCESS() - cpu
    this.micros += (performance.now() - at) * 1000
  }
}
