// The time from Haraka's start to its first call, with a day of jobs waiting and with one. Rejects if no call comes.

import { openWorkerQueue } from '../../src/queue/sqlite/open'
import type { SesEmulator } from '../../src/ses-emulator/options'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { callsOf } from '../live/calls'
import { settingsText } from '../live/dispatcher'
import { queueWith } from '../live/full-queue'
import { Host } from '../live/host'
import { DAY_OF_JOBS, deadlineOf, requestOf } from '../live/jobs'
import { median } from '../measure'
import type { Findings, Found, Size, Trial } from '../trial'

const SCALES = { whole: { jobs: DAY_OF_JOBS, times: 7 }, least: { jobs: 100, times: 1 } }

export const firstCall: Trial = {
  name: 'first-call',
  title: 'The first call after a start',
  about: `From the start of Haraka's process to the first call that has come in whole at the SES emulator: Haraka starts its
workers, the plugin its dispatcher, and that opens the queue, takes the lock and makes the call. The median of ${SCALES.whole.times} starts
of each, in turns, after one that doesn't count.`,
  rows: [
    {
      key: 'full',
      name: `with ${DAY_OF_JOBS.toLocaleString('en')} jobs waiting`,
      unit: 'ms',
      goal: { atMost: 2000 },
    },
    { key: 'one', name: 'with one job waiting', unit: 'ms' },
  ],
  run: compare,
}

async function compare(size: Size): Promise<Findings> {
  const { jobs, times } = SCALES[size]
  const ses = await startSesEmulator({ intervalMs: 0 })
  const plugin = {
    settings: settingsText({ relay: { trusted: '127.0.0.1' }, ses: { endpoint: ses.url } }),
    rules: '[bounced]\nrecipient = gone@example.com\naction = bounce\nbounce.type = DoesNotExist\n',
  }
  const hosts = { full: new Host({ plugin }), one: new Host({ plugin }) }
  const taken: Record<keyof typeof hosts, number[]> = { full: [], one: [] }
  try {
    queueWith(jobs, hosts.full.queueFile)
    queueWith(0, hosts.one.queueFile)
    for (let time = -1; time < times; time++) {
      addOne(hosts.one.queueFile, time)
      for (const key of ['full', 'one'] as const) {
        const ms = await untilCalled(hosts[key], ses)
        if (time >= 0) taken[key].push(ms)
      }
    }
  } finally {
    await Promise.all([hosts.full.close(), hosts.one.close()])
    await ses.close()
  }
  return { full: found(taken.full), one: found(taken.one) }
}

function found(ms: readonly number[]): Found {
  return {
    figure: median(ms),
    spread: { least: Math.min(...ms), most: Math.max(...ms) },
    beside: `${ms.length} starts`,
  }
}

function addOne(file: string, number: number): void {
  const queue = openWorkerQueue(file)
  const nowMs = Date.now()
  queue.add([requestOf(number, nowMs, deadlineOf(0, 1, nowMs))], nowMs)
  queue.close()
}

async function untilCalled(host: Host, ses: SesEmulator): Promise<number> {
  const before = ses.calls.length
  try {
    const startedMs = await host.start()
    const calls = await callsOf(ses, before + 1)
    return (calls[before]?.atMs ?? Number.NaN) - startedMs
  } finally {
    await host.stop()
  }
}
