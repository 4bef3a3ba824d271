import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { QueueError } from '../../../src/errors'
import { isAlive, type LeaseOwner, thisProcess } from '../../../src/queue/lease-owner'
import { Database } from '../../../src/queue/sqlite/database'
import {
  openDispatcherQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../../src/queue/sqlite/open'
import { addJob, LEAD, request, takeLead, temporaryFolder } from '../support'

const SPACING = { spacingMs: 1005, notBeforeMonoMs: 0, longestPauseMs: 600_000 }

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof QueueError ? error.code : String(error)
  }
  return 'no error'
}

describe('the lead of a queue file', () => {
  let file: string
  let worker: SqliteWorkerQueue
  let queue: SqliteDispatcherQueue
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    worker = openWorkerQueue(file, { create: true })
    queue = openDispatcherQueue(file)
    takeLead(queue)
  })
  afterEach(() => {
    worker.close()
    queue.close()
    remove()
  })

  const at = (ms: number) => ({ ms, monoMs: ms })

  function history(id: string) {
    const reader = openQueueReader(file)
    try {
      return { job: reader.job(id), events: reader.history(id).map(event => event.what) }
    } finally {
      reader.close()
    }
  }

  it('waits a full spacing after a boot of the machine, when old times mean nothing', () => {
    worker.add([request()], 0)
    worker.add([request()], 0)
    queue.claim('eu-west-1', at(9_000_000), SPACING)
    queue.giveUpLead()
    const next = openDispatcherQueue(file, { owner: { ...thisProcess(), bootId: 'another boot' } })
    takeLead(next, 50)
    assert.equal(next.claim('eu-west-1', at(50), SPACING)?.startAtMonoMs, 1055)
    next.close()
  })

  describe('after its holder died', () => {
    let dead: LeaseOwner
    before(async () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
      await once(child, 'spawn')
      const start = (await import('node:fs'))
        .readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ')[19]
      dead = { ...thisProcess(), token: 'dead', pid: child.pid ?? 0, pidStart: start ?? '' }
      assert.ok(isAlive(dead.pid, dead.pidStart))
      child.kill('SIGKILL')
      await once(child, 'exit')
    })

    beforeEach(() => {
      queue.giveUpLead()
      queue.close()
      queue = openDispatcherQueue(file, { owner: dead })
      takeLead(queue)
    })

    function successor(
      monoMs: number,
      { owner = thisProcess(), limits = LEAD }: { owner?: LeaseOwner; limits?: typeof LEAD } = {},
    ) {
      const other = openDispatcherQueue(file, { owner })
      assert.ok(other.takeLead(() => at(monoMs), limits))
      return other
    }

    it('the next one takes the lead at once, and the dead one can change nothing', () => {
      worker.add([request()], 0)
      const claim = queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      const other = successor(2)
      assert.equal(
        codeOf(() => queue.begin(claim, at(3))),
        'QUEUE_LOCK_LOST',
      )
      assert.equal(
        codeOf(() => queue.heartbeat(3)),
        'QUEUE_LOCK_LOST',
      )
      assert.equal(
        codeOf(() => queue.claim('eu-west-1', at(3), SPACING)),
        'QUEUE_LOCK_LOST',
      )
      other.close()
    })

    it('a job whose call had not begun is queued as before', () => {
      const added = addJob(worker, request(), 0)
      queue.claim('eu-west-1', at(1), SPACING)
      const other = successor(2)
      assert.ok(added)
      assert.equal(history(added.jobId).job?.state, 'queued')
      assert.equal(history(added.jobId).job?.interruptions, 0)
      other.close()
    })

    it('a job whose call had begun is tried again, a full spacing later', () => {
      const added = addJob(worker, request(), 0)
      const claim = queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      queue.begin(claim, at(2))
      const other = successor(700)
      assert.equal(history(added.jobId).job?.interruptions, 1)
      assert.equal(other.claim('eu-west-1', at(701), SPACING)?.startAtMonoMs, 1705)
      other.close()
    })

    it('a claimed job of before a power cut counts as called: the mark of its call may be lost', () => {
      const added = addJob(worker, request(), 0)
      queue.claim('eu-west-1', at(1), SPACING)
      const owner = { ...thisProcess(), bootId: 'the next boot' }
      const other = successor(2, { owner, limits: { ...LEAD, unknownTries: 1 } })
      assert.ok(added)
      assert.equal(history(added.jobId).job?.state, 'held')
      other.close()
    })

    it('it is held at once where an unknown outcome may not be tried again', () => {
      const added = addJob(worker, request(), 0)
      const claim = queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      queue.begin(claim, at(2))
      const other = successor(3, { limits: { ...LEAD, unknownTries: 1 } })
      assert.equal(history(added.jobId).job?.state, 'held')
      other.close()
    })
  })

  it('reads its clock once the queue is locked, as the pace counts from then', () => {
    const other = openDispatcherQueue(file)
    const third = new Database(file, { busyMs: 0, create: false })
    queue.giveUpLead()
    const now = () => {
      assert.equal(
        codeOf(() => third.write(() => undefined)),
        'QUEUE_BUSY',
      )
      return at(1)
    }
    assert.ok(other.takeLead(now, LEAD))
    for (const one of [other, third]) one.close()
  })

  it('does not trust a pid of another container', () => {
    const [here, there] = [
      openDispatcherQueue(file),
      openDispatcherQueue(file, {
        owner: { ...thisProcess(), pid: 1, pidStart: 'another', pidSpace: 'a container' },
      }),
    ]
    queue.giveUpLead()
    takeLead(there)
    assert.equal(
      here.takeLead(() => at(1), LEAD),
      undefined,
    )
    for (const one of [here, there]) one.close()
  })
})
