// How long the queue's -wal file grows, and which process copies it into the queue file.

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import { openDispatcherQueue } from '../../../src/queue/sqlite/open'
import { takeLead, temporaryFolder } from '../support'

const MB = 1024 * 1024
/** Written at once: little beside either limit. */
const PIECE = MB

describe("the queue's -wal file", function () {
  this.timeout(60_000)
  let file: string
  let worker: Database
  let remove: () => void
  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    worker = new Database(file, { busyMs: 0, create: true })
  })
  afterEach(() => {
    worker.close()
    remove()
  })

  let written = 0
  function write(bytes: number, afterEach?: () => void): void {
    for (let done = 0; done < bytes; done += PIECE) {
      worker.writeUnflushed(() =>
        worker.run("INSERT INTO answer VALUES (?, '', ?, 0)", `key${written++}`, 'x'.repeat(PIECE)),
      )
      afterEach?.()
    }
  }
  const walBytes = () => statSync(`${file}-wal`).size

  it('is copied into the file by no process that serves SMTP as long as a dispatcher can do it', () => {
    write(32 * MB)
    assert.ok(walBytes() > 32 * MB, `${walBytes()}`)
    assert.ok(statSync(file).size < MB)
  })

  it('stays short while a dispatcher gives its heartbeat', () => {
    const dispatcher = openDispatcherQueue(file)
    try {
      takeLead(dispatcher)
      let beats = 0
      write(64 * MB, () => dispatcher.heartbeat(++beats))
      assert.ok(walBytes() < 20 * MB, `${walBytes()}`)
    } finally {
      dispatcher.close()
    }
  })

  it('grows no further than to 64 MB where no dispatcher runs', () => {
    write(160 * MB)
    assert.ok(walBytes() < 70 * MB, `${walBytes()}`)
    assert.ok(statSync(file).size > 64 * MB)
  })
})
