// A flush by hand, while a dispatcher waits for the next attempt: of a job, of a bounce sender and of a whole region.

import assert from 'node:assert/strict'
import { loadSettings, parseSettings } from '../../src/config/load'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import { createSes } from '../../src/dispatch/ses'
import type { OperatorQueue } from '../../src/queue/operator'
import type { WorkerQueue } from '../../src/queue/store'
import type { Fault } from '../../src/ses-emulator/faults'
import { EMULATOR_CREDENTIALS, type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { newSesId } from '../live/support/mail'
import { PATIENCE_MS, until } from '../live/support/wait'
import { allOf } from '../queue/any-engine'
import { forEachEngine, type Store } from '../queue/engines'
import { request } from '../queue/support'

/** Longer than the test waits for anything. */
const PAUSE_MS = PATIENCE_MS * 10
const DAY_MS = 86_400_000

const FAULTS: Record<string, Fault> = {
  'a job': { kind: 'error', status: 503, code: 'ServiceUnavailable', message: 'Try again.' },
  'a bounce sender': {
    kind: 'error',
    status: 400,
    code: 'MessageRejected',
    message:
      'Email address is not verified. The following identities failed the check in region EU-WEST-1: mailer-daemon@yours.example',
  },
  'a region': { kind: 'error', status: 403, code: 'AccessDenied', message: 'Not allowed.' },
}

forEachEngine('a flush by hand', makeStore => {
  let ses: SesEmulator
  let store: Store
  let worker: WorkerQueue
  let operator: OperatorQueue
  let stop: () => Promise<void>

  beforeEach(async () => {
    store = await makeStore()
    worker = await store.worker()
    operator = await store.operator()
    ses = await startSesEmulator({ intervalMs: 0, messages: 'any' })
    const ini = `[limit]\ninterval = 20ms\nslack = 0ms\n[queue]\nretry = ${PAUSE_MS}ms..${PAUSE_MS}ms\n`
    const { settings, diagnostics } = loadSettings(parseSettings(`${ini}[ses]\nendpoint = ${ses.url}\n`), {})
    assert.deepEqual(diagnostics, [])
    const options = { endpoint: ses.url, timeoutMs: PATIENCE_MS, credentials: EMULATOR_CREDENTIALS }
    const client = createSes(
      () => options,
      () => systemClock.monoMs(),
    )
    const queue = await store.dispatcher()
    const dispatcher = new Dispatcher({
      queue,
      ses: client,
      clock: systemClock,
      settings: () => settings,
      log: () => undefined,
      blockedPauseMs: PAUSE_MS,
    })
    const running = dispatcher.run()
    stop = async () => {
      dispatcher.stop()
      await running
      client.close()
      await queue.close()
    }
  })
  afterEach(async () => {
    await stop()
    await ses.close()
    await store.remove()
  })

  for (const [what, fault] of Object.entries(FAULTS)) {
    it(`has ${what} tried at once that was to wait`, async () => {
      ses.setFaults(() => fault)
      const sesId = newSesId()
      const nowMs = Date.now()
      await worker.add(
        [request({ sesId, receivedAtMs: nowMs - 1000, deadlineMs: nowMs + DAY_MS / 2 })],
        nowMs,
      )
      const job = async () => (await allOf(operator.jobs({ sesId })))[0]
      await until(async () => (await job())?.tries === 1, { what: 'the first call' })
      assert.equal((await job())?.state, 'queued')
      ses.setFaults(() => undefined)
      const flushed = await operator.flush(undefined, Date.now())
      assert.equal(flushed.jobs, 1)
      await until(async () => (await job())?.state === 'sent', { what: 'the next call' })
    })
  }
})
