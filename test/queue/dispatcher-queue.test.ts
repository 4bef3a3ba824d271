import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { QueueError } from '../../src/errors'
import { isAlive, type LeaseOwner, thisProcess } from '../../src/queue/lease-owner'
import { Database } from '../../src/queue/sqlite/database'
import {
  openDispatcherQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import type { Claim } from '../../src/queue/store'
import { addJob, due, HOUR_MS, known, LEAD, request, takeLead, temporaryFolder } from './support'

const SPACING = { spacingMs: 1005, notBeforeMonoMs: 0, longestPauseMs: 600_000 }
const STALE_MS = LEAD.staleMs

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof QueueError ? error.code : String(error)
  }
  return 'no error'
}

describe('queue, the dispatchers side', () => {
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

  /** The next call begins. */
  function call(ms: number): Claim | undefined {
    const claim = queue.claim('eu-west-1', at(ms), SPACING)
    if (claim) queue.begin(claim, at(ms))
    return claim
  }

  function history(id: string) {
    const reader = openQueueReader(file)
    try {
      return { job: reader.job(id), events: reader.history(id).map(event => event.what) }
    } finally {
      reader.close()
    }
  }

  it('gives jobs by soonest deadline, equal ones in the order of their coming', () => {
    for (const [sesId, hours] of [
      ['late', 9],
      ['soon', 1],
      ['middle', 5],
      ['middle2', 5],
    ] as const) {
      worker.add([request({ sesId, deadlineMs: hours * HOUR_MS })], 0)
    }
    const order = [1, 2, 3, 4].map(n => call(n)?.job.sesId)
    assert.deepEqual(order, ['soon', 'middle', 'middle2', 'late'])
    assert.equal(queue.claim('eu-west-1', at(5), SPACING), undefined)
  })

  it('plans the starts of a region apart by the spacing, whatever the time of the claim', () => {
    for (let n = 0; n < 3; n++) worker.add([request()], 0)
    worker.add([request({ region: 'us-east-1' })], 0)
    const starts = [100, 200, 5000].map(ms => call(ms)?.startAtMonoMs)
    assert.deepEqual(starts, [100, 1105, 5000])
    assert.equal(queue.claim('us-east-1', at(300), SPACING)?.startAtMonoMs, 300)
  })

  it('counts the spacing from when SES may have seen the call at the latest', () => {
    worker.add([request()], 0)
    worker.add([request()], 0)
    const claim = queue.claim('eu-west-1', at(100), SPACING)
    assert.ok(claim)
    queue.begin(claim, at(101))
    queue.settle(claim, { state: 'sent', messageId: 'm', detail: 'ok' }, { ms: 900, seenMonoMs: 800 })
    assert.equal(queue.claim('eu-west-1', at(900), SPACING)?.startAtMonoMs, 1805)
  })

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

  it('records what SES said', () => {
    const added = addJob(worker, request(), 0)
    const claim = queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    queue.begin(claim, at(2))
    queue.settle(claim, { state: 'sent', messageId: '0102-x', detail: 'made' }, { ms: 3, seenMonoMs: 3 })
    const { job, events } = history(added.jobId)
    assert.equal(job?.state, 'sent')
    assert.equal(job?.messageId, '0102-x')
    assert.equal(job?.tries, 1)
    assert.deepEqual(events, ['queued', 'claimed', 'sent'])
  })

  it('keeps a job back until its pause is over, but not for a pause longer than any can be', () => {
    worker.add([request()], 0)
    const claim = queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    queue.begin(claim, at(2))
    const retry = { state: 'queued', what: 'retry', notBeforeMs: 5000, detail: '503' } as const
    queue.settle(claim, retry, { ms: 3, seenMonoMs: 3 })
    assert.deepEqual(due(queue, 10, 600_000), [{ region: 'eu-west-1', dueMs: 5000 }])
    assert.equal(queue.claim('eu-west-1', at(4999), SPACING), undefined)
    // the clock was set back by days
    assert.deepEqual(due(queue, -9 * 86_400_000, 600_000), [{ region: 'eu-west-1', dueMs: 0 }])
    assert.ok(queue.claim('eu-west-1', { ms: -9 * 86_400_000, monoMs: 5000 }, SPACING))
  })

  it('expires what can not start any more, and says why', () => {
    worker.add([request({ deadlineMs: 10_000 })], 0)
    worker.add([request({ deadlineMs: 99_000 })], 0)
    const expired = queue.expire('eu-west-1', 5000, 6000)
    assert.equal(expired.length, 1)
    assert.equal(expired[0]?.state, 'expired')
    assert.equal(expired[0]?.reason, 'The deadline passed before it could be sent')
  })

  it('gives a released job out again, with nothing counted against it', () => {
    const added = addJob(worker, request(), 0)
    const claim = queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    queue.release(claim, 2)
    const { job } = history(added.jobId)
    assert.equal(job?.state, 'queued')
    assert.equal(job?.tries, 0)
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

  it('stands by while a living leader gives heartbeats, and takes over when it gives none', () => {
    const other = openDispatcherQueue(file)
    queue.heartbeat(1000)
    assert.equal(
      other.takeLead(() => at(1001), LEAD),
      undefined,
    )
    assert.equal(other.takeLead(() => at(1000 + STALE_MS), LEAD)?.term, 2)
    assert.equal(
      codeOf(() => queue.heartbeat(1000 + STALE_MS)),
      'QUEUE_LOCK_LOST',
    )
    other.close()
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

  it('pauses all jobs of a bounce sender that SES refuses, and no other', () => {
    for (const sesId of ['a', 'b']) worker.add([request({ sesId, deadlineMs: HOUR_MS })], 0)
    worker.add([request({ sesId: 'other', bounceSender: 'mx@other.example' })], 0)
    const claim = queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    queue.begin(claim, at(2))
    const effect = {
      state: 'queued',
      what: 'retry',
      notBeforeMs: 5000,
      detail: 'no',
      blocks: 'sender',
    } as const
    queue.settle(claim, effect, { ms: 3, seenMonoMs: 3 })
    assert.equal(call(4)?.job.sesId, 'other')
    assert.equal(queue.claim('eu-west-1', at(5), SPACING), undefined)
    assert.equal(queue.claim('eu-west-1', at(5000), SPACING)?.job.sesId, 'a')
  })

  it('splits a refused call with several recipients into one for each', () => {
    for (const name of ['a', 'b', 'c']) {
      worker.add([request({ sesId: 'mail', recipient: { address: `${name}@yours.example` } })], 0)
    }
    const claim = queue.claim('eu-west-1', at(1), SPACING)
    assert.equal(claim?.job.recipients.length, 3)
    assert.ok(claim)
    queue.begin(claim, at(2))
    queue.settle(claim, { state: 'failed', detail: 'unknown recipient' }, { ms: 3, seenMonoMs: 3 })
    worker.add([request({ sesId: 'mail', recipient: { address: 'd@yours.example' } })], 4)
    const claims = [10, 11, 12, 13].map(ms => call(ms))
    assert.deepEqual(
      claims.map(one => one?.job.recipients.map(({ address }) => address)),
      [['a@yours.example'], ['b@yours.example'], ['c@yours.example'], ['d@yours.example']],
    )
    const [alone] = claims
    assert.ok(alone)
    queue.settle(alone, { state: 'failed', detail: 'unknown recipient' }, { ms: 15, seenMonoMs: 15 })
    assert.deepEqual(
      [...known(worker, 'mail').values()].map(({ state }) => state),
      ['failed', 'sending', 'sending', 'sending'],
    )
  })

  it('forgets ended jobs only, and only old ones', () => {
    for (const sesId of ['sent', 'waiting']) worker.add([request({ sesId })], 0)
    const claim = queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    queue.begin(claim, at(2))
    queue.settle(claim, { state: 'sent', messageId: 'm', detail: '' }, { ms: 1000, seenMonoMs: 3 })
    assert.equal(queue.prune(1000), 0)
    assert.equal(queue.prune(1001), 1)
    assert.equal(known(worker, 'sent').size, 0)
    assert.equal(known(worker, 'waiting').size, 1)
  })

  describe('when the answer of a write was lost, and it is repeated', () => {
    const sent = { state: 'sent', messageId: 'm', detail: 'made' } as const

    function begun(ms: number): Claim {
      const claim = call(ms)
      assert.ok(claim)
      return claim
    }

    it('a claim gives back what was claimed and never began', () => {
      const first = addJob(worker, request(), 0)
      addJob(worker, request({ deadlineMs: 25 * HOUR_MS }), 0)
      const claims = [1, 2].map(ms => queue.claim('eu-west-1', at(ms), SPACING))
      assert.deepEqual(
        claims.map(claim => [claim?.job.id, claim?.number]),
        [
          [first.jobId, 1],
          [first.jobId, 2],
        ],
      )
      const [lost, claim] = claims
      assert.ok(lost && claim)
      for (const write of [
        () => queue.begin(lost, at(3)),
        () => queue.settle(lost, sent, { ms: 3, seenMonoMs: 3 }),
      ])
        assert.equal(codeOf(write), 'QUEUE_LOCK_LOST')
      queue.begin(claim, at(3))
      assert.deepEqual(history(first.jobId).events, ['queued', 'claimed', 'released', 'claimed'])
    })

    it('a settled call is answered as it was, and changes nothing, whatever happened to the job meanwhile', () => {
      addJob(worker, request({ bounceSender: 'a@yours.example' }), 0)
      const claim = begun(1)
      const blocked = {
        state: 'queued',
        what: 'retry',
        notBeforeMs: 5000,
        detail: 'not verified',
        blocks: 'sender',
      } as const
      const answer = queue.settle(claim, blocked, { ms: 2, seenMonoMs: 2 })
      assert.equal(answer.changes.length, 1)
      const before = history(claim.job.id)
      assert.deepEqual(queue.settle(claim, blocked, { ms: 3, seenMonoMs: 3 }), answer)
      assert.deepEqual(history(claim.job.id), before)
      const again = queue.claim('eu-west-1', at(6000), SPACING)
      assert.equal(again?.number, 2)
      const late = () => queue.settle(claim, blocked, { ms: 6001, seenMonoMs: 6001 })
      assert.equal(codeOf(late), 'QUEUE_LOCK_LOST')
    })

    it('a split call makes no second job for a recipient', () => {
      for (const name of ['a', 'b'])
        worker.add([request({ sesId: 'mail', recipient: { address: `${name}@yours.example` } })], 0)
      const claim = begun(1)
      const refused = { state: 'failed', detail: 'no' } as const
      const settle = () => queue.settle(claim, refused, { ms: 2, seenMonoMs: 2 })
      assert.deepEqual([settle().state, settle().state], ['split', 'split'])
      const reader = openQueueReader(file)
      assert.equal([...reader.jobs({ sesId: 'mail' })].length, 2)
      reader.close()
    })

    it('a job that was given back is left as it is', () => {
      const { jobId } = addJob(worker, request(), 0)
      const claim = queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      for (let times = 0; times < 2; times++) queue.release(claim, 2)
      assert.deepEqual(history(jobId).events, ['queued', 'claimed', 'released'])
      assert.equal(
        codeOf(() => queue.begin(claim, at(3))),
        'QUEUE_LOCK_LOST',
      )
    })

    it('a call that began is begun once', () => {
      addJob(worker, request(), 0)
      const claim = begun(1)
      queue.begin(claim, at(2))
      assert.equal(queue.settle(claim, sent, { ms: 3, seenMonoMs: 3 }).state, 'sent')
      assert.equal(history(claim.job.id).job?.tries, 1)
    })

    it('the lead that a process has is its own, with a new term', () => {
      assert.deepEqual([takeLead(queue, 1).term, takeLead(queue, 2).term], [2, 3])
    })
  })
})
