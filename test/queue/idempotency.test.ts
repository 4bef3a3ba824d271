// The answers to submissions with a key, kept in the transaction that writes their jobs; two processes have the queue.

import assert from 'node:assert/strict'
import path from 'node:path'
import type { Submitted } from '../../src/queue/job'
import {
  openDispatcherQueue,
  openWorkerQueue,
  type SqliteWorkerQueue,
  thisProcess,
} from '../../src/queue/open'
import type { AddOptions } from '../../src/queue/store'
import { known, request, temporaryFolder } from './support'

const FORECAST = { nowMonoMs: 0, spacingMs: 1000, marginMs: 0 }

describe('a submission with a key', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  let one: SqliteWorkerQueue
  let other: SqliteWorkerQueue
  beforeEach(() => {
    temporary = temporaryFolder()
    const file = path.join(temporary.folder, 'queue.sqlite')
    one = openWorkerQueue(file, { create: true })
    other = openWorkerQueue(file)
  })
  afterEach(() => {
    for (const queue of [one, other]) queue.close()
    temporary.remove()
  })

  const answer = (results: readonly Submitted[]) =>
    results.map(({ outcome, createdAtMs }) => `${outcome} ${createdAtMs}`).join()

  function withKey(key = 'key', digest = 'first', answerTo = answer): AddOptions {
    return { forecast: FORECAST, record: { key, digest, answer: answerTo } }
  }

  function record(queue: SqliteWorkerQueue, idempotencyKey = 'key') {
    return queue.look({ idempotencyKey, nowMs: 0 }).record
  }

  it('adds nothing when another worker was faster with the key, and the first answer stays', () => {
    const [added] = one.add([request()], 5, withKey())
    assert.equal(added?.outcome, 'added')
    assert.deepEqual(record(one), { digest: 'first', answer: 'added 5' })
    assert.deepEqual(other.add([request({ sesId: 'late' })], 6, withKey('key', 'second')), [])
    assert.equal(known(other, 'late').size, 0)
    assert.deepEqual(record(other), { digest: 'first', answer: 'added 5' })
    assert.equal(record(other, 'another'), undefined)
  })

  it('leaves no answer when it is refused, and no job when its answer can not be kept', () => {
    const [refused] = one.add([request({ deadlineMs: 0 })], 5000, withKey())
    assert.equal(refused?.outcome, 'overloaded')
    assert.equal(record(one), undefined)
    const broken = withKey('key', 'first', () => {
      throw new Error('no answer')
    })
    assert.throws(() => one.add([request({ sesId: 'broken' })], 0, broken), /no answer/)
    assert.equal(known(one, 'broken').size, 0)
  })

  it('is forgotten with thousands of others at a time: submissions that add nothing come faster than any job', () => {
    const mail = request()
    one.add([mail], 7)
    const keys = Array.from({ length: 1000 }, (_, n) => `key ${n}`)
    for (const key of keys) one.add([mail], 8, withKey(key, ''))
    const dispatcher = openDispatcherQueue(path.join(temporary.folder, 'queue.sqlite'))
    assert.ok(dispatcher.lock(thisProcess(), 0, 1))
    dispatcher.prune(8)
    assert.equal(keys.filter(key => record(one, key)).length, 1000)
    dispatcher.prune(9)
    assert.equal(keys.filter(key => record(one, key)).length, 0)
    dispatcher.close()
  })

  it('is answered with the time of the job that was there before', () => {
    const mail = request()
    one.add([mail], 7)
    other.add([mail], 9, withKey())
    assert.equal(record(one)?.answer, 'known 7')
  })
})
