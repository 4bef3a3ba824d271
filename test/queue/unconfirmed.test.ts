// Recipients that nothing in a mail confirms: SES may refuse their bounces, which says nothing about anybody else's.

import assert from 'node:assert/strict'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { relayWarnings } from '../../src/queue/relay-signs'
import type { DispatcherQueue, Effect, WorkerQueue } from '../../src/queue/store'
import { allOf, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine, type Store } from './engines'
import { request } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 600_000 }
const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

forEachEngine('an unconfirmed recipient', makeStore => {
  let store: Store
  let worker: WorkerQueue
  let queue: DispatcherQueue
  let nowMs = 0

  beforeEach(async () => {
    store = await makeStore()
    worker = await store.worker()
    queue = await store.dispatcher()
    await takeLead(queue)
    nowMs = 1_000_000
  })
  afterEach(() => store.remove())

  async function add(sesId: string, address: string, isUnconfirmed: boolean): Promise<string> {
    const [added] = await worker.add(
      [request({ sesId, recipient: { address, ...(isUnconfirmed && { isUnconfirmed }) } })],
      nowMs,
    )
    return added?.jobId ?? ''
  }

  /** The next call, which ends so. */
  async function call(effect: Effect) {
    nowMs += MINUTE_MS
    const now = { ms: nowMs, monoMs: nowMs }
    const claim = await queue.claim('eu-west-1', now, SPACING)
    if (claim === undefined) return undefined
    await queue.begin(claim, now)
    return { id: claim.job.id, ...(await queue.settle(claim, effect, { ms: nowMs, seenMonoMs: nowMs })) }
  }

  const refused = (): Effect => ({
    state: 'failed',
    detail: '400 MessageRejected: no such recipient',
    pauses: { untilMs: nowMs + MINUTE_MS, ownUntilMs: nowMs + 10 * MINUTE_MS },
  })
  const sent: Effect = { state: 'sent', messageId: 'm', detail: '' }

  async function jobs() {
    return allOf((await store.reader()).jobs())
  }

  async function signsAt(atMs: number) {
    return (await store.reader()).relaySigns(atMs)
  }

  it('has a call of its own, whichever recipient of the mail comes first', async () => {
    await add('one', 'a@yours.example', true)
    await add('one', 'b@yours.example', false)
    await add('one', 'c@yours.example', true)
    await add('one', 'd@yours.example', false)
    assert.deepEqual(
      (await jobs()).map(({ recipients }) =>
        recipients.map(({ address, isUnconfirmed }) => [address, isUnconfirmed]),
      ),
      [
        [['a@yours.example', true]],
        [
          ['b@yours.example', undefined],
          ['d@yours.example', undefined],
        ],
        [['c@yours.example', true]],
      ],
    )
  })

  it('counts for no pause when SES refuses its bounce', async () => {
    for (let at = 0; at < 8; at++) await add(`mail${at}`, 'a@yours.example', true)
    for (const { id } of await jobs())
      assert.deepEqual(await call(refused()), { id, state: 'failed', changes: [] })
  })

  it('ends no row of refusals of others', async () => {
    for (let at = 0; at < 4; at++) {
      await add(`mail${at}`, 'a@yours.example', false)
      await add(`mail${at}`, 'b@yours.example', true)
    }
    for (let at = 0; at < 8; at++) assert.deepEqual((await call(refused()))?.changes, [])
    await add('fifth', 'a@yours.example', false)
    assert.equal((await call(refused()))?.changes[0]?.isPaused, true)
  })

  it('waits once when SES refuses it while its sender is paused, and makes the pause no longer', async () => {
    for (let at = 0; at < 5; at++) await add(`mail${at}`, 'a@yours.example', false)
    for (let at = 0; at < 4; at++) await call(refused())
    const own = [await add('other', 'b@yours.example', true), await add('another', 'c@yours.example', true)]
    assert.equal((await call(refused()))?.changes[0]?.isPaused, true)
    const endOfPause = async () => {
      const reader = await store.reader()
      try {
        return (await reader.stats({ ms: 0, monoMs: 0 }, PACE)).blocked[0]?.nextTryMs
      } finally {
        await reader.close()
      }
    }
    const outcomes: Record<string, string[]> = {}
    for (let at = 0; at < 40; at++) {
      const before = await endOfPause()
      const outcome = await call(refused())
      if (outcome === undefined || !own.includes(outcome.id)) continue
      ;(outcomes[outcome.id] ??= []).push(outcome.state)
      assert.equal(await endOfPause(), before)
    }
    assert.deepEqual(
      own.map(id => outcomes[id]),
      [
        ['queued', 'failed'],
        ['queued', 'failed'],
      ],
    )
  })

  it('is a sign of a relay that rewrites recipients once SES has refused three', async () => {
    const signs = () => signsAt(nowMs)
    for (let at = 0; at < 4; at++) await add(`mail${at}`, 'a@yours.example', true)
    await add('sure', 'a@yours.example', false)
    await call(refused())
    await call(refused())
    assert.deepEqual(relayWarnings(await signs(), 'auto'), [])
    await call(sent)
    assert.deepEqual(await signs(), { refused: 2, mails: 0, besideFor: 0, notifyNever: 0 })
    await call(refused())
    assert.deepEqual((await signs()).refused, 3)
    assert.match(
      relayWarnings(await signs(), 'auto').join('\n'),
      /^the relay seems to rewrite recipients; set \[relay\] recipients .*: SES refused/,
    )
    // the confirmed one is none
    await call(refused())
    assert.equal((await signs()).refused, 3)
    // what SES has bounced after all is none any more
    const operator = await store.operator()
    const [failed] = (await jobs()).filter(
      ({ state, recipients }) => state === 'failed' && recipients[0]?.isUnconfirmed,
    )
    assert.ok('value' in (await byHand(operator).retry(failed?.id ?? '', nowMs, PACE)))
    await operator.close()
    await call(sent)
    assert.equal((await signs()).refused, 2)
  })

  it('is told of when most mails with one recipient in a day come with NOTIFY=NEVER', async () => {
    const counters = await store.counters()
    const hand = async (never: number, others: number, atMs: number) => {
      const metricsBuffer = new MetricsBuffer()
      for (let at = 0; at < never; at++) metricsBuffer.onlyRecipient(atMs, false, true)
      for (let at = 0; at < others; at++) metricsBuffer.onlyRecipient(atMs, false, false)
      await metricsBuffer.flushTo(counted => counters.add(counted))
    }
    const start = 100 * HOUR_MS
    await hand(2, 0, start)
    assert.deepEqual(relayWarnings(await signsAt(start), 'kept'), [])
    await hand(2, 3, start + HOUR_MS)
    const later = start + HOUR_MS
    assert.match(
      relayWarnings(await signsAt(later), 'kept').join('\n'),
      /^the relay sends NOTIFY=NEVER .*: 4 of 7 mails with one recipient in the last day had it$/,
    )
    await hand(0, 1, later)
    assert.deepEqual(relayWarnings(await signsAt(later), 'kept'), [], 'half of them is not most')
    assert.deepEqual(relayWarnings(await signsAt(start + 25 * HOUR_MS), 'kept'), [])
    await counters.close()
  })

  it('is a sign when most mails with one recipient in a day name another one of SES', async () => {
    const counters = await store.counters()
    const hand = async (besideFor: number, others: number, atMs: number) => {
      const metricsBuffer = new MetricsBuffer()
      for (let at = 0; at < besideFor; at++) metricsBuffer.onlyRecipient(atMs, true, false)
      for (let at = 0; at < others; at++) metricsBuffer.onlyRecipient(atMs, false, false)
      await metricsBuffer.flushTo(counted => counters.add(counted))
    }
    const warned = async (atMs: number) => relayWarnings(await signsAt(atMs), 'auto').length > 0
    const start = 100 * HOUR_MS
    await hand(2, 0, start)
    assert.equal(await warned(start), false, 'two may be chance')
    await hand(1, 0, start + HOUR_MS)
    assert.equal(await warned(start + HOUR_MS), true)
    await hand(0, 3, start + HOUR_MS)
    assert.equal(await warned(start + HOUR_MS), false, 'half of them is not most')
    await hand(9, 0, start + 2 * HOUR_MS)
    assert.equal(await warned(start + 2 * HOUR_MS), true)
    assert.equal(await warned(start + 27 * HOUR_MS), false, 'a day later it is forgotten')
    for (let hour = 0; hour < 100; hour++) await hand(1, 1, start + hour * HOUR_MS)
    assert.deepEqual((await signsAt(start + 99 * HOUR_MS)).mails, 48)
  })
})
