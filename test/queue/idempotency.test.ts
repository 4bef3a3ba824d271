// The answers to submissions with a key, kept in the transaction that writes their jobs; two processes have the queue.

import assert from 'node:assert/strict'
import type { AddOptions, WorkerQueue } from '../../src/queue/store'
import { inTurn, known, takeLead } from './any-engine'
import { forEachEngine, type Store } from './engines'
import { request } from './support'

const FORECAST = { nowMonoMs: 0, spacingMs: 1000, marginMs: 0 }

forEachEngine('a submission with a key', makeStore => {
  let store: Store
  let one: WorkerQueue
  let other: WorkerQueue
  beforeEach(async () => {
    store = await makeStore()
    one = await store.worker()
    other = await store.worker()
  })
  afterEach(() => store.remove())

  function withKey(key = 'key', digest = 'first'): AddOptions {
    return { forecast: FORECAST, record: { key, digest } }
  }

  async function record(queue: WorkerQueue, idempotencyKey = 'key') {
    return (await queue.look({ idempotencyKey, nowMs: 0 })).record
  }

  it('adds nothing when another worker was faster with the key, and the first answer stays', async () => {
    const [added] = await one.add([request()], 5, withKey())
    assert.equal(added?.outcome, 'added')
    assert.deepEqual(await record(one), { digest: 'first', results: [added] })
    assert.deepEqual(await other.add([request({ sesId: 'late' })], 6, withKey('key', 'second')), [])
    assert.equal((await known(other, 'late')).size, 0)
    assert.deepEqual(await record(other), { digest: 'first', results: [added] })
    assert.equal(await record(other, 'another'), undefined)
  })

  it('leaves no record when it is refused', async () => {
    const [refused] = await one.add([request({ deadlineMs: 0 })], 5000, withKey())
    assert.equal(refused?.outcome, 'overloaded')
    assert.equal(await record(one), undefined)
  })

  it('is forgotten with thousands of others at a time: submissions that add nothing come faster than any job', async () => {
    const mail = request()
    await one.add([mail], 7)
    const keys = Array.from({ length: 1000 }, (_, n) => `key ${n}`)
    for (const key of keys) await one.add([mail], 8, withKey(key, ''))
    const dispatcher = await store.dispatcher()
    await takeLead(dispatcher)
    const found = async () => (await inTurn(keys, key => record(one, key))).filter(Boolean)
    await dispatcher.prune(8)
    assert.equal((await found()).length, 1000)
    await dispatcher.prune(9)
    assert.equal((await found()).length, 0)
    await dispatcher.close()
  })

  it('is answered with the job that was there before, and its time', async () => {
    const mail = request()
    const [before] = await one.add([mail], 7)
    await other.add([mail], 9, withKey())
    const [known] = (await record(one))?.results ?? []
    assert.deepEqual([known?.outcome, known?.jobId, known?.createdAtMs], ['known', before?.jobId, 7])
  })
})
