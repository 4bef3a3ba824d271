import assert from 'node:assert/strict'
import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import { openWorkerQueue } from '../../../src/queue/sqlite/open'
import { request, temporaryFolder } from '../support'

describe('a submission with a key in a queue file', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  beforeEach(() => {
    temporary = temporaryFolder()
  })
  afterEach(() => temporary.remove())

  it('has its results also where an earlier version kept the answer in the words of the API', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    const one = openWorkerQueue(file, { create: true })
    const database = new Database(file, { busyMs: 0, create: false })
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
    assert.deepEqual(one.look({ idempotencyKey: 'key', nowMs: 0 }).record, { digest: 'old', results })
    one.close()
  })

  it('adds no job when its record can not be kept', () => {
    const one = openWorkerQueue(path.join(temporary.folder, 'queue.sqlite'), { create: true })
    // no column of the table holds an object
    const record = { key: 'key', digest: {} as string }
    assert.throws(() => one.add([request({ sesId: 'broken' })], 0, { record }))
    assert.equal(one.look({ sesId: 'broken', nowMs: 0 }).known.size, 0)
    one.close()
  })
})
