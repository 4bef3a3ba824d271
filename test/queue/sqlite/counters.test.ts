import assert from 'node:assert/strict'
import path from 'node:path'
import { COUNTED } from '../../../src/queue/counters'
import { Database } from '../../../src/queue/sqlite/database'
import { openCounterStore, openQueueReader, openWorkerQueue } from '../../../src/queue/sqlite/open'
import { temporaryFolder } from '../support'

const NOTHING = { sums: [], hits: [], decisions: [], reloads: [], onlyRecipients: [] }

describe('counts in a queue file', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  beforeEach(() => {
    temporary = temporaryFolder()
  })
  afterEach(() => temporary.remove())

  it('are not there in part when another process is writing', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    openWorkerQueue(file, { create: true }).close()
    const one = openCounterStore(file)
    const reader = openQueueReader(file)
    const counted = {
      ...NOTHING,
      sums: [{ name: COUNTED.inspected, labels: {}, value: 1 }],
      hits: [{ rule: 'programs', hits: 1, lastMs: 1 }],
    }
    const writer = new Database(file, { busyMs: 0, create: false })
    writer.write(() => assert.throws(() => one.add(counted), { code: 'QUEUE_BUSY' }))
    writer.close()
    assert.deepEqual(reader.sums(), [])
    assert.deepEqual(reader.ruleHits(), [])
    one.add(counted)
    assert.equal(reader.sums().length, 1)
    for (const handle of [one, reader]) handle.close()
  })
})
