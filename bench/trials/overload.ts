// More bounces than SES allows: all admitted ones are sent in time at full pace, and the rest is refused at once.
// Rejects if SES throttles or refuses a call.

import { setTimeout as pause } from 'node:timers/promises'
import { submit } from '../../src/app/submit'
import { forecastSpacingMs } from '../../src/queue/forecast'
import { openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import type { WorkerQueue } from '../../src/queue/store'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { callsOf } from '../live/calls'
import { DispatcherProcess, settingsText } from '../live/dispatcher'
import { requestOf } from '../live/jobs'
import { pseudoRandom } from '../text'
import type { Findings, Size, Trial } from '../trial'

const SCALES = {
  /** SES's interval. The time of a call beyond it doesn't depend on it, so a shorter one would test something else. */
  whole: { intervalMs: 1000, jobs: 150, windowMs: [5000, 25_000] },
  least: { intervalMs: 20, jobs: 6, windowMs: [5000, 25_000] },
} as const
/** The default. */
const SLACK_MS = 5
const MARGIN_MS = 1000
const SPACING_MS = SCALES.whole.intervalMs + SLACK_MS

export const overload: Trial = {
  name: 'overload',
  title: 'Overload',
  about: `Bounces come at twice the pace of SES: ${SCALES.whole.jobs} of them, one each ${SCALES.whole.intervalMs / 2} ms, each with a time of ${SCALES.whole.windowMs[0] / 1000} to ${SCALES.whole.windowMs[1] / 1000} s in which it
must go out, drawn by lot. They are admitted by the queue as a worker has it done, and sent by a real dispatcher to the
emulator, with the interval of SES and the slack as by default. The theoretical most is a call each ${SPACING_MS} ms
(interval and slack), the first at once, from the first bounce until the last that was admitted has gone out. In time is
what SES has seen before its deadline.`,
  rows: [
    { key: 'sent', name: 'sent in time, of the theoretical most', goal: { atLeast: 0.99 } },
    { key: 'kept', name: 'sent in time, of what was admitted', goal: { atLeast: 1 } },
  ],
  run: press,
}

interface Pressed {
  /** Deadlines by SES's id. */
  admitted: ReadonlyMap<string, number>
  refused: number
  firstMonoMs: number
}

async function press(size: Size): Promise<Findings> {
  const { intervalMs } = SCALES[size]
  const spacingMs = intervalMs + SLACK_MS
  const ses = await startSesEmulator({ intervalMs })
  const seenMs = new Map<string, number>()
  ses.on('call', ({ params }) => seenMs.set(params['OriginalMessageId'] ?? '', Date.now()))
  const dispatcher = new DispatcherProcess(
    settingsText({
      ses: { endpoint: ses.url },
      limit: { interval: `${intervalMs}ms`, slack: `${SLACK_MS}ms` },
      window: { margin: `${MARGIN_MS}ms` },
    }),
  )
  try {
    const queue = openWorkerQueue(dispatcher.queueFile, { create: true })
    await dispatcher.start()
    const { admitted, refused, firstMonoMs } = await bounces(queue, dispatcher, size)
    queue.close()
    await ended(dispatcher)
    const calls = await callsOf(ses, ses.calls.length)
    const inTime = [...admitted].filter(
      ([sesId, deadlineMs]) => (seenMs.get(sesId) ?? Infinity) <= deadlineMs,
    )
    const elapsedMs = (calls.at(-1)?.atMs ?? Number.NaN) - firstMonoMs
    return {
      sent: {
        figure: inTime.length / (elapsedMs / spacingMs + 1),
        beside: `${inTime.length} in ${(elapsedMs / 1000).toFixed(1)} s`,
      },
      kept: {
        figure: inTime.length / admitted.size,
        beside: `${admitted.size} admitted, ${refused} refused at once`,
      },
    }
  } finally {
    await dispatcher.close()
    await ses.close()
  }
}

async function bounces(queue: WorkerQueue, dispatcher: DispatcherProcess, size: Size): Promise<Pressed> {
  const { intervalMs, jobs, windowMs } = SCALES[size]
  const [leastMs, mostMs] = windowMs
  const pick = pseudoRandom(1)
  const admitted = new Map<string, number>()
  const firstMonoMs = monoMs()
  const spacingMs = forecastSpacingMs({ intervalMs, slackMs: SLACK_MS })
  for (let number = 0; number < jobs; number++) {
    await pause(Math.max(0, firstMonoMs + (number * intervalMs) / 2 - monoMs()))
    const nowMs = Date.now()
    const request = requestOf(number, nowMs, nowMs + leastMs + pick(mostMs - leastMs))
    const forecast = { nowMonoMs: monoMs(), spacingMs, marginMs: MARGIN_MS }
    const [result] = await submit([request], queue, { nowMs, forecast })
    if (result?.outcome !== 'added') continue
    dispatcher.wake()
    admitted.set(request.sesId, request.deadlineMs)
  }
  return { admitted, refused: jobs - admitted.size, firstMonoMs }
}

/** Resolves when no job waits. */
async function ended({ queueFile }: DispatcherProcess): Promise<void> {
  for (;;) {
    const reader = openQueueReader(queueFile)
    const { queued, sending } = reader.countByState()
    reader.close()
    if (queued + sending === 0) return
    await pause(100)
  }
}

function monoMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
