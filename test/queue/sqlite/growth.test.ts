import assert from 'node:assert/strict'
import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import { openDispatcherQueue, openWorkerQueue } from '../../../src/queue/sqlite/open'
import { counted, request, takeLead, temporaryFolder } from '../support'

const REGION = 'eu-west-1'
/** Jobs on record at a time. */
const JOBS = 200
const AT_ONCE = 20
const TURNS = 6

describe('the queue file', () => {
  it('stays as large as its jobs need, however many come and are forgotten', () => {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    const worker = openWorkerQueue(file, { create: true })
    const dispatcher = openDispatcherQueue(file)
    const database = new Database(file, { busyMs: 0, create: false })
    takeLead(dispatcher)
    const sizes: number[] = []
    for (let turn = 1; turn <= TURNS; turn++) {
      const nowMs = turn * 1000
      for (let n = 0; n < JOBS; n += AT_ONCE) {
        const some = Array.from({ length: AT_ONCE }, (_, k) =>
          request({ sender: `s${n + k}@origin.example`, deadlineMs: nowMs }),
        )
        worker.add(some, nowMs + n)
      }
      while (dispatcher.expire(REGION, nowMs + 900, 0).length > 0) continue
      for (let pruned = 1, all = 0; pruned > 0; all += pruned) {
        pruned = dispatcher.prune(nowMs)
        assert.ok(pruned <= 50, `${pruned} at once`)
      }
      sizes.push(Number(database.pragma('page_count')[0]?.['page_count']))
    }
    assert.equal(
      counted(worker, { by: 'rule', key: 'unknown-mailbox', rate: { count: 1e6, perMs: 1e9 } }, 0),
      JOBS,
    )
    const [, second = 0] = sizes
    assert.ok((sizes.at(-1) ?? 0) <= second * 1.1, `pages: ${sizes.join(' ')}`)
    for (const one of [database, dispatcher, worker]) one.close()
    remove()
  })
})
