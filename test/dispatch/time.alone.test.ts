import assert from 'node:assert/strict'
import path from 'node:path'
import { loadSettings, parseSettings } from '../../src/config/load'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import { createSes } from '../../src/dispatch/ses'
import type { Job } from '../../src/queue/job'
import { openDispatcherQueue, openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import { EMULATOR_CREDENTIALS, startSesEmulator } from '../../src/ses-emulator/server'
import { newSesId } from '../live/support/mail'
import { until } from '../live/support/wait'
import { request, temporaryFolder } from '../queue/support'
import { endures } from './events'

const HOUR_MS = 3_600_000
/** How long: `RUNS=1000 npx mocha test/dispatch/time.alone.test.ts` */
const RUNS = Number(process.env['RUNS'] ?? 8)

describe('for any change of the clocks', function () {
  this.timeout(60_000 + RUNS * 4000)

  it('calls keep their distance, nothing expires before its time by the clock, and every job ends', async () => {
    await endures(RUNS)
  })

  it('SES finds the signature of a machine an hour off too old: its bounces wait, and go out', async () => {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    const worker = openWorkerQueue(file, { create: true })
    let skewMs = 0
    const local = await startSesEmulator({ intervalMs: 0, clock: () => Date.now() + skewMs })
    const options = { endpoint: local.url, timeoutMs: 60_000, credentials: EMULATOR_CREDENTIALS }
    const ses = createSes(
      () => options,
      () => systemClock.monoMs(),
    )
    const { settings } = loadSettings(parseSettings('[limit]\ninterval = 20ms\nslack = 0ms\n'), {})
    const queue = openDispatcherQueue(file)
    const dispatcher = new Dispatcher({
      queue,
      ses,
      clock: systemClock,
      settings: () => ({ ...settings, queue: { ...settings.queue, retryFirstMs: 50, retryLongestMs: 100 } }),
      log: () => undefined,
      blockedPauseMs: 200,
    })
    const running = dispatcher.run()
    try {
      for (const [n, ms] of [0, HOUR_MS, -HOUR_MS].entries()) {
        skewMs = ms
        const nowMs = Date.now()
        for (let mails = 0; mails < 3; mails++)
          worker.add(
            [request({ sesId: newSesId(), receivedAtMs: nowMs, deadlineMs: nowMs + 10 * HOUR_MS })],
            nowMs,
          )
        await until(() => jobsOf(file).filter(({ state }) => state === 'sent').length === 3 * (n + 1), {
          what: 'three bounces more',
        })
      }
      const refused = local.calls.filter(({ outcome }) => outcome.status !== 200)
      assert.deepEqual(
        refused.map(({ outcome }) => outcome.code),
        ['SignatureDoesNotMatch', 'SignatureDoesNotMatch'],
        'one for each time that the clock was wrong: the SDK goes by the time that SES tells',
      )
    } finally {
      dispatcher.stop()
      await running
      ses.close()
      queue.close()
      worker.close()
      await local.close()
      remove()
    }
  })
})

function jobsOf(file: string): Job[] {
  const reader = openQueueReader(file)
  try {
    return [...reader.jobs()]
  } finally {
    reader.close()
  }
}
