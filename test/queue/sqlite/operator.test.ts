import assert from 'node:assert/strict'
import path from 'node:path'
import {
  openDispatcherQueue,
  openOperatorQueue,
  openWorkerQueue,
  type SqliteOperatorQueue,
  type SqliteWorkerQueue,
} from '../../../src/queue/sqlite/open'
import { request, takeLead, temporaryFolder } from '../support'

describe("the operator's side of a queue file", () => {
  let file: string
  let worker: SqliteWorkerQueue
  let queue: SqliteOperatorQueue
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    worker = openWorkerQueue(file, { create: true })
    queue = openOperatorQueue(file)
  })
  afterEach(() => {
    queue.close()
    worker.close()
    remove()
  })

  it('keeps no view of the file open while a list is read, so that the log of changes can be written back', () => {
    const add = () => worker.add([request()], 0)
    for (let n = 0; n < 3; n++) add()
    const list = queue.jobs()
    list.next()
    const other = openDispatcherQueue(file)
    try {
      add()
      assert.equal([...list].length, 2)
    } finally {
      other.close()
    }
  })

  it('tells for how long there was no heartbeat, on the clock of the one who asks', () => {
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher, 1000)
    const pace = { spacingMs: 1000, forecastMs: 1000, marginMs: 0 }
    assert.equal(queue.stats({ ms: 5000, monoMs: 5000 }, pace).silentMs, 4000)
    dispatcher.close()
  })

  it('makes no file where there is none', () => {
    assert.throws(() => openOperatorQueue(`${file}.not`), { code: 'QUEUE_UNREADABLE' })
  })
})
