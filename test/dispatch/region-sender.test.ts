// A region's calls when the wall clock is set back in the instant after the limiter was given work.

import assert from 'node:assert/strict'
import path from 'node:path'
import { mock } from 'node:test'
import Bottleneck from 'bottleneck'
import { loadSettings, parseSettings } from '../../src/config/load'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import { createSes } from '../../src/dispatch/ses'
import { openDispatcherQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { EMULATOR_CREDENTIALS, startSesEmulator } from '../../src/ses-emulator/server'
import { newSesId } from '../live/support/mail'
import { PATIENCE_MS, until } from '../live/support/wait'
import { HOUR_MS, request, temporaryFolder } from '../queue/support'

const JOBS = 4

describe('a region', () => {
  it('goes on when the clock is set back after the limiter was given work, and before it reads the time', async () => {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    const worker = openWorkerQueue(file, { create: true })
    const nowMs = Date.now()
    for (let n = 0; n < JOBS; n++)
      worker.add(
        [request({ sesId: newSesId(), receivedAtMs: nowMs, deadlineMs: nowMs + 24 * HOUR_MS })],
        nowMs,
      )
    const ses = await startSesEmulator({ intervalMs: 0, messages: 'any' })
    const ini = `[limit]\ninterval = 20ms\nslack = 0ms\n[ses]\nendpoint = ${ses.url}\n`
    const { settings } = loadSettings(parseSettings(ini), {})
    const options = { endpoint: ses.url, timeoutMs: PATIENCE_MS, credentials: EMULATOR_CREDENTIALS }
    const client = createSes(
      () => options,
      () => systemClock.monoMs(),
    )
    const queue = openDispatcherQueue(file)
    const { now } = Date
    const schedule = Reflect.get(Bottleneck.prototype, 'schedule') as (...work: unknown[]) => unknown
    let given = 0
    const spy = mock.method(
      Bottleneck.prototype,
      'schedule',
      function (this: Bottleneck, ...work: unknown[]) {
        const ended: unknown = Reflect.apply(schedule, this, work)
        given += 1
        if (given === 3) Date.now = () => now() - HOUR_MS
        return ended
      },
    )
    const dispatcher = new Dispatcher({
      queue,
      ses: client,
      clock: systemClock,
      settings: () => settings,
      log: () => undefined,
    })
    const running = dispatcher.run()
    try {
      await until(() => ses.calls.length === JOBS, { what: 'a call for each job' })
      assert.notEqual(Date.now, now, 'it was set back')
    } finally {
      Date.now = now
      spy.mock.restore()
      dispatcher.stop()
      await running
      for (const one of [client, queue, worker]) one.close()
      await ses.close()
      remove()
    }
  })
})
