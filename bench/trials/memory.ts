// The memory of the dispatcher's process with a day of jobs waiting, compared with a plain Bottleneck with the same
// jobs. Rejects if the dispatcher makes no calls, or a process ends.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { callsOf } from '../live/calls'
import { DispatcherProcess, settingsText } from '../live/dispatcher'
import { queueWith } from '../live/full-queue'
import { DAY_OF_JOBS } from '../live/jobs'
import { memoryBytes } from '../live/usage'
import { median } from '../measure'
import type { Findings, Size, Trial } from '../trial'

const SCALES = {
  whole: { jobs: DAY_OF_JOBS, calls: 100, times: 3 },
  least: { jobs: 100, calls: 1, times: 1 },
}
const MEGABYTE = 2 ** 20
/** Short, so that the calls take little time. */
const INTERVAL_MS = 50

export const memory: Trial = {
  name: 'memory',
  title: 'Memory',
  about: `How much a process grows by ${DAY_OF_JOBS.toLocaleString('en')} jobs that wait: the dispatcher's, against one that has scheduled the same jobs
in a bare Bottleneck, one a second and one at a time, each a function with the data of its job. It is the proportional set
size (PSS) with the jobs, less that without: Bottleneck's process with no job at all; the dispatcher's with just the ${SCALES.whole.calls}
jobs that it calls for before it is looked at, in both cases, so that making calls doesn't count as growth. Bottleneck's
process only keeps jobs: it has no AWS SDK, no settings, no database. It is looked at right after a full garbage
collection, the dispatcher as it is, and as the median of ${SCALES.whole.times} processes.`,
  rows: [
    { key: 'growth', name: "growth of the dispatcher's process against Bottleneck's", goal: { below: 0.1 } },
    { key: 'whole', name: "the whole of the dispatcher's process against Bottleneck's" },
  ],
  run: compare,
}

async function compare(size: Size): Promise<Findings> {
  const { jobs, calls, times } = SCALES[size]
  const bytes = { dispatcher: [0, 0], baseline: [0, 0] }
  for (const [index, waiting] of [0, jobs].entries()) {
    bytes.dispatcher[index] = await medianOf(times, () => dispatcherBytes(waiting + calls, calls))
    bytes.baseline[index] = await baselineBytes(waiting)
  }
  const [[idle = 0, full = 0], [bare = 0, baseline = 0]] = [bytes.dispatcher, bytes.baseline]
  return {
    growth: {
      figure: (full - idle) / (baseline - bare),
      beside: `${shown(full - idle)} against ${shown(baseline - bare)}`,
    },
    whole: {
      figure: full / baseline,
      beside: `${shown(full)} against ${shown(baseline)}; with none waiting ${shown(idle)} against ${shown(bare)}`,
    },
  }
}

async function medianOf(times: number, measure: () => Promise<number>): Promise<number> {
  const all: number[] = []
  for (let time = 0; time < times; time++) all.push(await measure())
  return median(all)
}

async function dispatcherBytes(jobs: number, calls: number): Promise<number> {
  const ses = await startSesEmulator({ intervalMs: 0 })
  const dispatcher = new DispatcherProcess(
    settingsText({ ses: { endpoint: ses.url }, limit: { interval: `${INTERVAL_MS}ms`, slack: '0ms' } }),
  )
  try {
    queueWith(jobs, dispatcher.queueFile)
    await dispatcher.start()
    await callsOf(ses, calls)
    return memoryBytes(dispatcher.pid)
  } finally {
    await dispatcher.close()
    await ses.close()
  }
}

async function baselineBytes(jobs: number): Promise<number> {
  const child: ChildProcess = fork(require.resolve('../live/baseline-process'), [String(jobs)], {
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  try {
    const ended = once(child, 'exit').then(() => {
      throw new Error('the process with Bottleneck has ended')
    })
    await Promise.race([once(child, 'message'), ended])
    return memoryBytes(child.pid ?? 0)
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
  }
}

function shown(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`
}
