// Compares a process's deadlines of waiting jobs with the jobs in the file.

import assert from 'node:assert/strict'
import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import { openDispatcherQueue, openOperatorQueue, openWorkerQueue } from '../../../src/queue/sqlite/open'
import { WaitingDeadlines, waitingDeadlines } from '../../../src/queue/sqlite/waiting-deadlines'
import { byHand } from '../by-hand-calls'
import { addJob, request, takeLead, temporaryFolder } from '../support'

const REGION = 'eu-west-1'
const OTHER_REGION = 'us-east-1'
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }

describe('the waiting deadlines that a process holds', () => {
  let file: string
  let watched: Database
  let remove: () => void
  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    watched = new Database(file, { busyMs: 0, create: true })
    waitingDeadlines(watched).all()
  })
  afterEach(() => {
    watched.close()
    remove()
  })

  /** By the process that follows, and by one that reads all jobs now. */
  function held(): Record<string, number[]> {
    const of = (deadlines: WaitingDeadlines) =>
      Object.fromEntries(
        [...deadlines.all()]
          .map(([region, histogram]) => [region, histogram.deadlines()] as const)
          .filter(([, list]) => list.length > 0),
      )
    const found = of(waitingDeadlines(watched))
    assert.deepEqual(found, of(new WaitingDeadlines(watched)))
    return found
  }

  it('follow each change that another process makes to a job', () => {
    const worker = openWorkerQueue(file)
    const dispatcher = openDispatcherQueue(file)
    const operator = openOperatorQueue(file)
    takeLead(dispatcher)
    try {
      const ids = [5000, 2000, 9000].map(deadlineMs => addJob(worker, request({ deadlineMs }), 1).jobId)
      addJob(worker, request({ region: OTHER_REGION, deadlineMs: 7000 }), 1)
      assert.deepEqual(held(), { [REGION]: [2000, 5000, 9000], [OTHER_REGION]: [7000] })
      const claim = dispatcher.claim(REGION, { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      assert.deepEqual(held()[REGION], [5000, 9000])
      dispatcher.release(claim, 2)
      assert.deepEqual(held()[REGION], [2000, 5000, 9000])
      byHand(operator).cancel(ids[2] ?? '', 3)
      byHand(operator).hold(ids[0] ?? '', 3)
      assert.equal(dispatcher.expire(OTHER_REGION, 8000, 0).length, 1)
      assert.deepEqual(held(), { [REGION]: [2000] })
      watched.run('UPDATE job SET region = ?, deadline_ms = 2500 WHERE id = ?', OTHER_REGION, ids[1] ?? '')
      assert.deepEqual(held(), { [OTHER_REGION]: [2500] })
      watched.run('DELETE FROM job')
      assert.deepEqual(held(), {})
    } finally {
      for (const one of [worker, dispatcher, operator]) one.close()
    }
  })

  it('are as they were where a transaction was given up', () => {
    const worker = openWorkerQueue(file)
    addJob(worker, request({ deadlineMs: 2000 }), 1)
    assert.throws(() =>
      watched.write(() => {
        held()
        watched.run('DELETE FROM job')
        throw new Error('given up')
      }),
    )
    addJob(worker, request({ deadlineMs: 3000 }), 1)
    assert.deepEqual(held(), { [REGION]: [2000, 3000] })
    worker.close()
  })

  it('are read anew after more changes than are followed, and after changes that are forgotten', () => {
    const worker = openWorkerQueue(file)
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher)
    const changes = () => watched.get('SELECT COUNT(*) AS n, MAX(seq) AS last FROM deadline_change')
    try {
      for (let round = 1; round <= 3; round++) {
        for (let n = 0; n < 600; n += 20)
          worker.add(
            Array.from({ length: 20 }, (_, k) => request({ deadlineMs: round * 1_000_000 + (n + k) * 1000 })),
            round * 1000 + n,
          )
        assert.equal(held()[REGION]?.length, round * 600)
      }
      assert.equal(changes()?.['n'], 1800)
      dispatcher.prune(0)
      assert.deepEqual([changes()?.['n'], changes()?.['last']], [1000, 1800])
      addJob(worker, request({ deadlineMs: 9_000_000 }), 1)
      assert.equal(held()[REGION]?.length, 1801)
    } finally {
      for (const one of [worker, dispatcher]) one.close()
    }
  })
})
