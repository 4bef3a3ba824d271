import assert from 'node:assert/strict'
import { loadSettings, parseSettings } from '../../src/config/load'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import { createSes } from '../../src/dispatch/ses'
import type { QueueReader } from '../../src/queue/operator'
import type { WorkerQueue } from '../../src/queue/store'
import type { FaultPlan } from '../../src/ses-emulator/faults'
import { EMULATOR_CREDENTIALS, type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { newSesId } from '../live/support/mail'
import { PATIENCE_MS, until } from '../live/support/wait'
import { allOf, inTurn } from '../queue/any-engine'
import { forEachEngine, type Store } from '../queue/engines'
import { request } from '../queue/support'

const PAUSE_MS = 300
const DAY_MS = 86_400_000
const GOOD = 'good@yours.example'
const BAD = 'bad@yours.example'

forEachEngine('when SES refuses one mail after the other', makeStore => {
  let ses: SesEmulator
  let store: Store
  let worker: WorkerQueue
  let reader: QueueReader
  let stop: () => Promise<void>
  let lines: string[]

  beforeEach(async () => {
    store = await makeStore()
    worker = await store.worker()
    reader = await store.reader()
    ses = await startSesEmulator({ intervalMs: 0, messages: 'any' })
    lines = []
    await start()
  })
  afterEach(async () => {
    await stop()
    await ses.close()
    await store.remove()
  })

  async function start(): Promise<void> {
    const ini = '[limit]\ninterval = 20ms\nslack = 0ms\n[queue]\nretry = 50ms..100ms\n'
    const { settings } = loadSettings(parseSettings(`${ini}[ses]\nendpoint = ${ses.url}\n`), {})
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
      log: (level, message) => lines.push(`${level} ${message}`),
      blockedPauseMs: PAUSE_MS,
    })
    const running = dispatcher.run()
    stop = async () => {
      dispatcher.stop()
      await running
      client.close()
      await queue.close()
    }
  }

  /** One mail each, the first with the soonest deadline. */
  function add(count: number, bounceSender = BAD): Promise<string[]> {
    const nowMs = Date.now()
    return inTurn(Array.from({ length: count }), async (_, n) => {
      const sesId = newSesId()
      const deadlineMs = nowMs + DAY_MS / 2 + n * 1000
      await worker.add([request({ sesId, bounceSender, receivedAtMs: nowMs - 1000, deadlineMs })], nowMs)
      return sesId
    })
  }

  async function states(ids: readonly string[]): Promise<string> {
    const found = await inTurn(ids, async sesId => allOf(reader.jobs({ sesId })))
    return found
      .flat()
      .map(({ state }) => state)
      .join(' ')
  }

  function end(ids: readonly string[]): Promise<unknown> {
    return until(async () => !/queued|sending/.test(await states(ids)), { what: 'all to end' })
  }

  const refusing =
    (isBad: (params: Readonly<Record<string, string>>) => boolean): FaultPlan =>
    subject =>
      isBad(subject.params)
        ? {
            kind: 'error',
            status: 400,
            code: 'MessageRejected',
            message: `No bounce for ${subject.params['OriginalMessageId']} from this sender.`,
          }
        : undefined
  const ofSender: FaultPlan = refusing(params => params['BounceSender'] === BAD)
  const calls = (sender: string) => ses.calls.filter(({ params }) => params['BounceSender'] === sender)
  const said = (what: RegExp) => lines.filter(line => what.test(line))

  it('five alike pause the sender, are queued again, and are all sent when SES accepts them', async () => {
    ses.setFaults(ofSender)
    const ids = await add(7)
    await until(() => said(/is paused/).length > 0, { what: 'the pause' })
    const others = await add(3, GOOD)
    await end(others)
    assert.equal(await states(others), 'sent sent sent')
    await until(() => calls(BAD).length >= 8, { what: 'three tries more' })
    assert.doesNotMatch(await states(ids), /failed|held|expired/)
    const tries = calls(BAD).slice(4)
    for (const [n, { atMs }] of tries.slice(1).entries())
      assert.ok(atMs - (tries[n]?.atMs ?? 0) >= PAUSE_MS - 1, 'one try each pause')
    assert.ok(
      new Set(tries.map(({ params }) => params['OriginalMessageId'])).size >= 3,
      'each try is for another mail',
    )
    // those that come in the pause wait too
    const more = await add(2)
    ses.setFaults([])
    await end([...ids, ...more])
    assert.equal(new Set((await states([...ids, ...more])).split(' ')).size, 1)
    assert.match(await states(ids), /^sent/)
    assert.deepEqual(
      said(/is paused|works again/).map(line => line.replace(/ (is paused|works again).*/, ' $1')),
      [
        `error region=eu-west-1 bounce_sender=${BAD} is paused`,
        `error region=eu-west-1 bounce_sender=${BAD} works again`,
      ],
    )
    const [first] = await allOf(reader.jobs({ sesId: ids[0] ?? '' }))
    const history = await reader.history(first?.id ?? '')
    assert.ok(history.some(({ what }) => what === 'put back'))
  })

  it('a bounce in between ends the row: they were the mails', async () => {
    // or some are sent before the faults are set
    await stop()
    const ids = await add(9)
    const fine = ids[4] ?? ''
    ses.setFaults(refusing(params => params['OriginalMessageId'] !== fine))
    await start()
    await end(ids)
    assert.deepEqual(said(/is paused/), [])
    assert.equal((await states(ids)).split(' ').filter(state => state === 'failed').length, 8)
  })

  it('the row goes on when the dispatcher starts again', async () => {
    ses.setFaults(ofSender)
    const ids = await add(3)
    await end(ids)
    await stop()
    await start()
    const more = await add(2)
    await until(() => said(/is paused/).length > 0, { what: 'the pause' })
    assert.equal(new Set((await states([...ids, ...more])).split(' ')).size, 1)
    assert.match(await states(ids), /^queued/)
  })

  it('the recipients of one mail are no row', async () => {
    ses.setFaults(ofSender)
    const sesId = newSesId()
    const nowMs = Date.now()
    const common = { sesId, bounceSender: BAD, receivedAtMs: nowMs - 1000, deadlineMs: nowMs + DAY_MS / 2 }
    await worker.add(
      [1, 2, 3, 4, 5, 6].map(n => request({ ...common, recipient: { address: `user${n}@yours.example` } })),
      nowMs,
    )
    await until(async () => /^(failed ?){6}$/.test(await states([sesId])), { what: 'each to fail' })
    assert.deepEqual(said(/is paused/), [])
  })

  it('mails that are refused while those of others go out fail in the end', async () => {
    await stop()
    const bad = await add(5)
    const isBad = new Set(bad)
    ses.setFaults(refusing(params => isBad.has(params['OriginalMessageId'] ?? '')))
    await start()
    await until(() => said(/is paused/).length > 0, { what: 'the pause' })
    const good = await add(2)
    await end([...bad, ...good])
    assert.equal(await states(bad), 'failed failed failed failed failed')
    assert.equal(await states(good), 'sent sent')
    assert.equal(said(/is paused/).length, 1)
    assert.equal(said(/works again/).length, 1)
  })

  it('a fault of the region is said once, and once when it is over', async () => {
    ses.setFaults(() => ({ kind: 'denied' }))
    const ids = await add(2)
    await until(() => calls(BAD).length >= 3, { what: 'three tries' })
    ses.setFaults([])
    await end(ids)
    assert.equal(await states(ids), 'sent sent')
    assert.deepEqual(
      said(/^error/).map(line => line.replace(/ (is paused|works again).*/, ' $1')),
      ['error region=eu-west-1 is paused', 'error region=eu-west-1 works again'],
    )
    assert.match(lines.join('\n'), /is paused.*AccessDenied/)
  })
})
