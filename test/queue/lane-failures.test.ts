// Lanes whose latest calls made no bounce, as both engines find them.

import assert from 'node:assert/strict'
import type { Effect } from '../../src/queue/store'
import { allOf, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine, type Store } from './engines'
import { request } from './support'

const PACE = { spacingMs: 0, forecastMs: 0, marginMs: 0 }
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const EU = 'eu-west-1'

forEachEngine('a lane whose calls fail', makeStore => {
  let store: Store
  beforeEach(async () => {
    store = await makeStore()
  })
  afterEach(() => store.remove())

  it('is told with the first failure, the next try and the latest text, until SES answers a call', async () => {
    const worker = await store.worker()
    const dispatcher = await store.dispatcher()
    const reader = await store.reader()
    await takeLead(dispatcher)
    const failing = async (ms: number) => (await reader.stats({ ms, monoMs: ms }, PACE)).failing
    const call = async (ms: number, effect: Effect, region = EU) => {
      const claim = await dispatcher.claim(region, { ms, monoMs: ms }, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, { ms, monoMs: ms })
      await dispatcher.settle(claim, effect, { ms, seenMonoMs: ms })
    }
    const again = (notBeforeMs: number, detail: string): Effect => ({
      state: 'queued',
      what: 'retry',
      notBeforeMs,
      detail,
    })
    try {
      await worker.add([request(), request(), request({ region: 'us-east-1' })], 1)
      assert.deepEqual(await failing(5), [])
      await call(10, again(1000, 'Error: one'))
      await call(20, again(500, 'Error: two'))
      const found = { region: EU, sinceMs: 10, lastMs: 20, detail: 'Error: two' }
      assert.deepEqual(await failing(30), [{ ...found, nextTryMs: 500 }])
      assert.deepEqual(await failing(600), [{ ...found, nextTryMs: 600 }])
      // another lane's bounce says nothing of this one
      await call(30, { state: 'sent', messageId: 'm', detail: 'd' }, 'us-east-1')
      assert.deepEqual(await failing(40), [{ ...found, nextTryMs: 500 }])
      await call(600, { state: 'sent', messageId: 'm', detail: 'd' })
      assert.deepEqual(await failing(700), [])
      await call(1100, again(5000, '503 ServiceUnavailable: three'))
      assert.deepEqual(await failing(1200), [
        { region: EU, sinceMs: 1100, lastMs: 1100, nextTryMs: 5000, detail: '503 ServiceUnavailable: three' },
      ])
    } finally {
      for (const one of [worker, dispatcher, reader]) await one.close()
    }
  })

  it('is told also when all its jobs are held without an answer, until one is answered or they are gone', async () => {
    const worker = await store.worker()
    const dispatcher = await store.dispatcher()
    const operator = await store.operator()
    await takeLead(dispatcher)
    const failing = async (ms: number) => (await operator.stats({ ms, monoMs: ms }, PACE)).failing
    const call = async (ms: number, effect: Effect) => {
      const claim = await dispatcher.claim(EU, { ms, monoMs: ms }, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, { ms, monoMs: ms })
      await dispatcher.settle(claim, effect, { ms, seenMonoMs: ms })
      return claim.job.id
    }
    const detail = 'the outcome of 3 calls is unknown, the last: TimeoutError: no answer within 10000 ms'
    try {
      await worker.add([request(), request()], 1)
      const first = (await allOf(operator.jobs()))[0]?.id ?? ''
      await byHand(operator).hold(first, 5)
      assert.deepEqual(await failing(6), [], 'a person has held it')
      const id = await call(10, { state: 'held', detail })
      assert.deepEqual(await failing(20), [{ region: EU, sinceMs: 10, lastMs: 10, detail }])
      await byHand(operator).retry(first, 30, PACE)
      await call(30, { state: 'sent', messageId: 'm', detail: 'd' })
      assert.deepEqual(await failing(40), [])
      await byHand(operator).retry(id, 50, PACE)
      await call(60, { state: 'held', detail })
      assert.equal((await failing(70))?.length, 1)
      await byHand(operator).cancel(id, 80)
      assert.deepEqual(await failing(90), [])
    } finally {
      for (const one of [worker, dispatcher, operator]) await one.close()
    }
  })
})
