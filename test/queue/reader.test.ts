// Views of the queue that leave no trace, and the regions that it has seen.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import Driver from 'libsql'
import { Database } from '../../src/queue/sqlite/database'
import { openDispatcherQueue, openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import { request, takeLead, temporaryFolder } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 60_000 }

describe('a view of the queue', () => {
  let folder: string
  let file: string
  let remove: () => void

  beforeEach(() => {
    ;({ folder, remove } = temporaryFolder())
    file = path.join(folder, 'queue.sqlite')
  })
  afterEach(() => remove())

  function regions(): string[] {
    const reader = openQueueReader(file, { untouched: true })
    try {
      return reader.regions()
    } finally {
      reader.close()
    }
  }

  /** Every file with what is in it and when it was changed, but for SQLite's marks of its readers in -shm. */
  function state() {
    return readdirSync(folder)
      .toSorted()
      .map(name => {
        const whole = path.join(folder, name)
        if (name.endsWith('-shm')) return [name]
        return [name, statSync(whole).mtimeMs, readFileSync(whole).toString('base64')]
      })
  }

  it('names the regions of jobs and of calls, once each, in the order of their names', () => {
    const worker = openWorkerQueue(file, { create: true })
    assert.deepEqual(regions(), [])
    const queue = openDispatcherQueue(file)
    try {
      takeLead(queue)
      worker.add([request({ region: 'us-east-1' }), request({ region: 'eu-west-1' })], 0)
      assert.deepEqual(regions(), ['eu-west-1', 'us-east-1'])
      const claim = queue.claim('us-east-1', { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      queue.begin(claim, { ms: 2, monoMs: 2 })
      queue.settle(claim, { state: 'sent', messageId: 'm', detail: 'd' }, { ms: 3, seenMonoMs: 3 })
      assert.equal(queue.prune(1000), 1)
      assert.deepEqual(regions(), ['eu-west-1', 'us-east-1'])
    } finally {
      queue.close()
      worker.close()
    }
  })

  it('changes nothing while others have the file open', () => {
    const worker = openWorkerQueue(file, { create: true })
    try {
      worker.add([request()], 0)
      const before = state()
      assert.deepEqual(regions(), ['eu-west-1'])
      assert.deepEqual(state(), before)
    } finally {
      worker.close()
    }
  })

  it('changes nothing, and makes nothing beside it, while nobody has it open', () => {
    const other = path.join(folder, 'other.sqlite')
    const worker = openWorkerQueue(other, { create: true })
    worker.add([request()], 0)
    const driver = new Driver(other)
    driver.exec(`VACUUM INTO '${file}'`)
    driver.close()
    worker.close()
    const copy = new Driver(file)
    copy.pragma('journal_mode = WAL')
    copy.close()
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    const before = state()
    assert.deepEqual(regions(), ['eu-west-1'])
    assert.deepEqual(state(), before)
    assert.equal(existsSync(`${file}-wal`), false)
  })

  it('refuses a database that is no queue, and leaves it as it is', () => {
    const foreign = new Driver(file)
    foreign.exec('CREATE TABLE mine (x); INSERT INTO mine VALUES (1)')
    foreign.close()
    const before = state()
    assert.throws(regions, { code: 'QUEUE_UNREADABLE' })
    assert.deepEqual(state(), before)
  })

  it('makes no file where there is none', () => {
    assert.throws(regions, { code: 'QUEUE_UNREADABLE' })
    assert.deepEqual(readdirSync(folder), [])
  })

  it('can not write', () => {
    openWorkerQueue(file, { create: true }).close()
    const database = new Database(file, { busyMs: 100, create: false, untouched: true })
    assert.throws(() => database.run('DELETE FROM job'), { code: 'QUEUE_UNWRITABLE' })
    database.close()
  })
  it('finds a file whatever its name', () => {
    file = path.join(folder, 'a b?#%41.sqlite')
    const worker = openWorkerQueue(file, { create: true })
    worker.add([request()], 0)
    assert.deepEqual(regions(), ['eu-west-1'])
    worker.close()
  })
})
