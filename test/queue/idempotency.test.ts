// The answers to submissions with a key, kept in the transaction that writes their jobs; two processes have the queue.

import assert from 'node:assert/strict'
import path from 'node:path'
import { Database } from '../../src/queue/sqlite/database'
import { openDispatcherQueue, openWorkerQueue, type SqliteWorkerQueue } from '../../src/queue/sqlite/open'
import type { AddOptions } from '../../src/queue/store'
import { known, request, takeLead, temporaryFolder } from './support'

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

  function withKey(key = 'key', digest = 'first'): AddOptions {
    return { forecast: FORECAST, record: { key, digest } }
  }

  function record(queue: SqliteWorkerQueue, idempotencyKey = 'key') {
    return queue.look({ idempotencyKey, nowMs: 0 }).record
  }

  it('adds nothing when another worker was faster with the key, and the first answer stays', () => {
    const [added] = one.add([request()], 5, withKey())
    assert.equal(added?.outcome, 'added')
    assert.deepEqual(record(one), { digest: 'first', results: [added] })
    assert.deepEqual(other.add([request({ sesId: 'late' })], 6, withKey('key', 'second')), [])
    assert.equal(known(other, 'late').size, 0)
    assert.deepEqual(record(other), { digest: 'first', results: [added] })
    assert.equal(record(other, 'another'), undefined)
  })

  it('leaves no record when it is refused, and no job when its record can not be kept', () => {
    const [refused] = one.add([request({ deadlineMs: 0 })], 5000, withKey())
    assert.equal(refused?.outcome, 'overloaded')
    assert.equal(record(one), undefined)
    // no column of the table holds an object
    const broken = withKey('key', {} as string)
    assert.throws(() => one.add([request({ sesId: 'broken' })], 0, broken))
    assert.equal(known(one, 'broken').size, 0)
  })

  it('is forgotten with thousands of others at a time: submissions that add nothing come faster than any job', () => {
    const mail = request()
    one.add([mail], 7)
    const keys = Array.from({ length: 1000 }, (_, n) => `key ${n}`)
    for (const key of keys) one.add([mail], 8, withKey(key, ''))
    const dispatcher = openDispatcherQueue(path.join(temporary.folder, 'queue.sqlite'))
    takeLead(dispatcher)
    dispatcher.prune(8)
    assert.equal(keys.filter(key => record(one, key)).length, 1000)
    dispatcher.prune(9)
    assert.equal(keys.filter(key => record(one, key)).length, 0)
    dispatcher.close()
  })

  it('has its results also where an earlier version kept the answer in the words of the API', () => {
    const database = new Database(path.join(temporary.folder, 'queue.sqlite'), { busyMs: 0, create: false })
    const id = 'm1'
    const [atMs, at] = [Date.UTC(2025, 1, 20), '2025-02-20T00:00:00Z']
    const recipients = [
      { address: 'user@yours.example', id, created_at: at, outcome: 'added', state: 'queued' },
    ]
    const answer = JSON.stringify({ status: 202, data: { id, created_at: at, recipients } })
    database.run(
      'INSERT INTO answer (key, digest, answer, at_ms) VALUES (?, ?, ?, ?)',
      'key',
      'old',
      answer,
      atMs,
    )
    database.close()
    const results = [
      { address: 'user@yours.example', jobId: id, createdAtMs: atMs, outcome: 'added', state: 'queued' },
    ]
    assert.deepEqual(record(one), { digest: 'old', results })
  })

  it('is answered with the job that was there before, and its time', () => {
    const mail = request()
    const [before] = one.add([mail], 7)
    other.add([mail], 9, withKey())
    const [known] = record(one)?.results ?? []
    assert.deepEqual([known?.outcome, known?.jobId, known?.createdAtMs], ['known', before?.jobId, 7])
  })
})
