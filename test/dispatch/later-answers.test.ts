// The dispatcher on an engine that answers later, as one on another host does.

import assert from 'node:assert/strict'
import { loadSettings, parseSettings } from '../../src/config/load'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import { createSes } from '../../src/dispatch/ses'
import type { JobEvent } from '../../src/queue/job'
import type { QueueReader } from '../../src/queue/operator'
import { EMULATOR_CREDENTIALS, type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { newSesId } from '../live/support/mail'
import { until } from '../live/support/wait'
import { allOf, inTurn } from '../queue/any-engine'
import { forEachEngine, type Store } from '../queue/engines'
import { HOUR_MS, request } from '../queue/support'
import { type Asked, answersLater } from './later-answers'

const INTERVAL_MS = 20
const JOBS = 14

forEachEngine('a dispatcher whose queue answers later', makeStore => {
  let store: Store
  let reader: QueueReader
  let ses: SesEmulator
  let lines: string[]
  beforeEach(async () => {
    store = await makeStore()
    reader = await store.reader()
    lines = []
    ses = await startSesEmulator({ intervalMs: 0, messages: 'any' })
    const worker = await store.worker()
    const nowMs = Date.now()
    for (let n = 0; n < JOBS; n++)
      await worker.add(
        [request({ sesId: newSesId(), receivedAtMs: nowMs, deadlineMs: nowMs + HOUR_MS })],
        nowMs,
      )
  })
  afterEach(async () => {
    await ses.close()
    await store.remove()
  })

  /** Until the work is done. */
  async function dispatching(
    how: Parameters<typeof answersLater>[1],
    work: (dispatcher: Dispatcher) => Promise<unknown>,
  ): Promise<void> {
    const ini = `[limit]\ninterval = ${INTERVAL_MS}ms\nslack = 0ms\n[ses]\nendpoint = ${ses.url}\n`
    const { settings } = loadSettings(parseSettings(ini), {})
    const options = { endpoint: ses.url, timeoutMs: 5000, credentials: EMULATOR_CREDENTIALS }
    const client = createSes(
      () => options,
      () => systemClock.monoMs(),
    )
    const queue = await store.dispatcher()
    const dispatcher = new Dispatcher({
      queue: answersLater(queue, how),
      ses: client,
      clock: systemClock,
      settings: () => settings,
      log: (level, message) => lines.push(`${level} ${message}`),
    })
    const running = dispatcher.run()
    try {
      await work(dispatcher)
    } finally {
      dispatcher.stop()
      await running
      client.close()
      await queue.close()
    }
  }

  const isSent = async () => (await states()).every(state => state === 'sent')
  const allSent = () => until(isSent, { what: `all to be sent; it said\n${lines.join('\n')}` })

  async function states(): Promise<string[]> {
    return (await allOf(reader.jobs())).map(({ state }) => state)
  }

  async function histories(): Promise<JobEvent['what'][][]> {
    return inTurn(await allOf(reader.jobs()), async ({ id }) =>
      (await reader.history(id)).map(({ what }) => what),
    )
  }

  it('sends each bounce once and keeps the pace, whichever answers are lost', async () => {
    const every = { takeLead: 2, plan: 20, claim: 8, begin: 6, settle: 3 } as const
    const lost: string[] = []
    const isLost = ({ method, times }: Asked) => {
      if (!(method in every) || times % every[method as keyof typeof every] !== 0) return false
      lost.push(method)
      return true
    }
    await dispatching({ isLost }, allSent)
    assert.deepEqual([...new Set(lost)].toSorted(), Object.keys(every).toSorted())
    assert.equal(ses.calls.length, JOBS)
    const ids = ses.calls.map(({ params }) => params['OriginalMessageId'])
    assert.equal(new Set(ids).size, JOBS)
    for (const [n, { atMs }] of ses.calls.slice(1).entries())
      assert.ok(atMs - (ses.calls[n]?.atMs ?? 0) >= INTERVAL_MS - 1)
    assert.equal(lines.filter(line => / sent state=sent: /.test(line)).length, JOBS, 'each is said once')
    const found = await histories()
    const interrupted = found.flatMap(history => history.filter(what => what === 'interrupted'))
    const begins = lost.filter(method => method === 'begin')
    assert.ok(begins.length > 0)
    assert.equal(
      interrupted.length,
      0,
      'a call whose begin has no answer is not made, and its job is given back',
    )
    for (const history of found) {
      assert.equal(history.filter(what => what === 'sent').length, 1)
      const left = history.filter(what => what === 'released').length
      assert.equal(history.filter(what => what === 'claimed').length, left + 1)
    }
  })

  it('gives heartbeats while a write waits, also when it has been told to stop', async () => {
    let beats = 0
    const seen: number[] = []
    const before = async ({ method, times }: Asked) => {
      if (method === 'heartbeat') beats += 1
      if (method !== 'settle' || times > 1) return
      seen.push(beats)
      await until(() => beats >= (seen[0] ?? 0) + 2, { what: 'two heartbeats' })
    }
    await dispatching({ before }, async dispatcher => {
      await until(() => seen.length > 0, { what: 'the first outcome' })
      dispatcher.stop()
    })
    const ended = await states()
    assert.equal(ended.filter(state => state === 'sent').length, 1)
    assert.ok(!ended.includes('sending'))
  })

  it('asks for one plan at a time, however often it is woken', async () => {
    let asking = 0
    let most = 0
    const before = async ({ method }: Asked) => {
      // that of a region's sender, and the dispatcher's own
      if (method !== 'plan') return
      most = Math.max(most, ++asking)
      await new Promise(resolve => setImmediate(resolve))
      asking -= 1
    }
    await dispatching({ before }, async dispatcher => {
      const waking = setInterval(() => dispatcher.wake(), 1)
      await allSent().finally(() => clearInterval(waking))
    })
    assert.ok(most <= 2, `${most} at once`)
    assert.equal(ses.calls.length, JOBS)
  })
})
