// Views of the queue that leave no trace.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import Driver from 'libsql'
import { Database } from '../../../src/queue/sqlite/database'
import { openQueueReader, openWorkerQueue } from '../../../src/queue/sqlite/open'
import { request, temporaryFolder } from '../support'

describe('a view of a queue file', () => {
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
