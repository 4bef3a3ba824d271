import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { QueueError } from '../../../src/errors'
import { Database } from '../../../src/queue/sqlite/database'
import { openWorkerQueue, type SqliteWorkerQueue } from '../../../src/queue/sqlite/open'
import { request, temporaryFolder } from '../support'

describe('a queue file', () => {
  let file: string
  let queue: SqliteWorkerQueue
  let remove: () => void
  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'deep', 'queue.sqlite')
    queue = openWorkerQueue(file, { create: true })
  })
  afterEach(() => {
    queue.close()
    remove()
  })

  it('gives its files to nobody else (mode 0600)', () => {
    queue.add([request()], 0)
    for (const suffix of ['', '-wal', '-shm'])
      assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix)
  })

  it('refuses for now, within half a second, while another process keeps the file locked', () => {
    const other = new Database(file, { busyMs: 0, create: false })
    const started = performance.now()
    other.write(() =>
      assert.throws(
        () => queue.add([request()], 0),
        (error: unknown) => error instanceof QueueError && error.code === 'QUEUE_BUSY',
      ),
    )
    other.close()
    // much more than half a second, as the machine may be busy, and much less than others wait
    assert.ok(performance.now() - started < 10_000)
    assert.equal(queue.add([request()], 0).length, 1)
  })
})

describe('a queue file that can not be used', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  beforeEach(() => {
    temporary = temporaryFolder()
  })
  afterEach(() => temporary.remove())

  function refusal(file: string, code: string): QueueError {
    let caught: unknown
    try {
      openWorkerQueue(file, { create: true })
    } catch (error) {
      caught = error
    }
    assert.ok(caught instanceof QueueError)
    assert.equal(caught.code, code)
    assert.ok(caught.message.startsWith(`${file}: `), caught.message)
    return caught
  }

  it('is refused when it is no database, and left as it is', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    writeFileSync(file, 'not a database, but somebody may want it\n'.repeat(200))
    const before = readFileSync(file)
    assert.match(refusal(file, 'QUEUE_UNREADABLE').message, /left as it is/)
    assert.deepEqual(readFileSync(file), before)
  })

  it('leaves no file open, however often it is tried', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    writeFileSync(file, 'not a database\n'.repeat(500))
    const open = () => readdirSync('/proc/self/fd').length
    refusal(file, 'QUEUE_UNREADABLE')
    const before = open()
    for (let n = 0; n < 20; n++) refusal(file, 'QUEUE_UNREADABLE')
    assert.ok(open() <= before + 2, `${open() - before} handles more`)
  })

  it('is refused when its pages are damaged, and left as it is', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    const queue = openWorkerQueue(file, { create: true })
    queue.add([request()], 0)
    queue.close()
    const database = new Database(file, { busyMs: 0, create: false })
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4096, 5 * 4096)
    writeFileSync(file, bytes)
    assert.throws(() => new Database(file, { busyMs: 0, create: true }).check(), /damaged/)
    assert.deepEqual(readFileSync(file), bytes)
  })

  it('is refused when a newer version made it, and left as it is', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    const database = new Database(file, { busyMs: 0, create: true })
    database.pragma('user_version = 99')
    database.close()
    assert.match(refusal(file, 'QUEUE_NEWER').message, /version 99/)
  })

  it('is refused when its folder can not be made', () => {
    writeFileSync(path.join(temporary.folder, 'file'), '')
    refusal(path.join(temporary.folder, 'file', 'queue.sqlite'), 'QUEUE_UNWRITABLE')
  })
})
