import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { QueueError } from '../../src/errors'
import {
  isAlive,
  openDispatcherQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteWorkerQueue,
  thisProcess,
} from '../../src/queue/open'
import type { DispatcherQueue, LeaseOwner } from '../../src/queue/store'
import { addJob, HOUR_MS, known, request, temporaryFolder } from './support'

const SPACING = { spacingMs: 1005, notBeforeMonoMs: 0, longestPauseMs: 600_000 }
const LIMITS = { unknownTries: 3, interruptions: 10 }
const STALE_MS = 15_000

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
  let queue: DispatcherQueue
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    worker = openWorkerQueue(file, { create: true })
    queue = openDispatcherQueue(file)
    assert.ok(queue.lock(thisProcess(), 0, STALE_MS))
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

  it('gives jobs by soonest deadline, equal ones in the order of their coming', () => {
    for (const [sesId, hours] of [
      ['late', 9],
      ['soon', 1],
      ['middle', 5],
      ['middle2', 5],
    ] as const) {
      worker.add([request({ sesId, deadlineMs: hours * HOUR_MS })], 0)
    }
    const order = [1, 2, 3, 4].map(n => queue.claim('eu-west-1', at(n), SPACING)?.job.sesId)
    assert.deepEqual(order, ['soon', 'middle', 'middle2', 'late'])
    assert.equal(queue.claim('eu-west-1', at(5), SPACING), undefined)
  })

  it('plans the starts of a region apart by the spacing, whatever the time of the claim', () => {
    for (let n = 0; n < 3; n++) worker.add([request()], 0)
    worker.add([request({ region: 'us-east-1' })], 0)
    const starts = [100, 200, 5000].map(ms => queue.claim('eu-west-1', at(ms), SPACING)?.startAtMonoMs)
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
    queue.unlock()
    assert.ok(queue.lock({ ...thisProcess(), bootId: 'another boot' }, 50, STALE_MS))
    assert.equal(queue.claim('eu-west-1', at(50), SPACING)?.startAtMonoMs, 1055)
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
    assert.deepEqual(queue.due(10, 600_000), [{ region: 'eu-west-1', dueMs: 5000 }])
    assert.equal(queue.claim('eu-west-1', at(4999), SPACING), undefined)
    // the clock was set back by days
    assert.deepEqual(queue.due(-9 * 86_400_000, 600_000), [{ region: 'eu-west-1', dueMs: 0 }])
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
      queue.unlock()
      assert.ok(queue.lock(dead, 0, STALE_MS))
    })

    function successor(monoMs: number) {
      const other = openDispatcherQueue(file)
      assert.ok(other.lock({ ...thisProcess(), token: 'successor' }, monoMs, STALE_MS))
      return other
    }

    it('the next one takes the lock at once, and the dead one can change nothing', () => {
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
      other.recover(at(2), LIMITS)
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
      other.recover(at(700), LIMITS)
      assert.equal(history(added.jobId).job?.interruptions, 1)
      assert.equal(other.claim('eu-west-1', at(701), SPACING)?.startAtMonoMs, 1705)
      other.close()
    })

    it('a claimed job of before a power cut counts as called: the mark of its call may be lost', () => {
      const added = addJob(worker, request(), 0)
      queue.claim('eu-west-1', at(1), SPACING)
      const other = openDispatcherQueue(file)
      assert.ok(other.lock({ ...thisProcess(), bootId: 'the next boot' }, 2, STALE_MS))
      other.recover(at(2), { ...LIMITS, unknownTries: 1 })
      assert.ok(added)
      assert.equal(history(added.jobId).job?.state, 'held')
      other.close()
    })

    it('it is held at once where an unknown outcome may not be tried again', () => {
      const added = addJob(worker, request(), 0)
      const claim = queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      queue.begin(claim, at(2))
      const other = successor(3)
      other.recover(at(3), { ...LIMITS, unknownTries: 1 })
      assert.equal(history(added.jobId).job?.state, 'held')
      other.close()
    })
  })

  it('stands by while a living holder gives signs, and takes over when it gives none', () => {
    const other = openDispatcherQueue(file)
    const holder = { ...thisProcess(), token: 'other' }
    queue.heartbeat(1000)
    assert.equal(other.lock(holder, 1001, STALE_MS), false)
    assert.equal(other.lock(holder, 1000 + STALE_MS, STALE_MS), true)
    assert.equal(
      codeOf(() => queue.heartbeat(1000 + STALE_MS)),
      'QUEUE_LOCK_LOST',
    )
    other.close()
  })

  it('does not trust a pid of another container', () => {
    const other = openDispatcherQueue(file)
    queue.unlock()
    assert.ok(
      queue.lock({ ...thisProcess(), pid: 1, pidStart: 'another', pidSpace: 'a container' }, 0, STALE_MS),
    )
    assert.equal(other.lock(thisProcess(), 1, STALE_MS), false)
    other.close()
  })

  it('keeps all jobs of a bounce sender back that SES does not take, and no other', () => {
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
    assert.equal(queue.claim('eu-west-1', at(4), SPACING)?.job.sesId, 'other')
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
    const claims = [10, 11, 12, 13].map(ms => queue.claim('eu-west-1', at(ms), SPACING))
    assert.deepEqual(
      claims.map(one => one?.job.recipients.map(({ address }) => address)),
      [['a@yours.example'], ['b@yours.example'], ['c@yours.example'], ['d@yours.example']],
    )
    const [alone] = claims
    assert.ok(alone)
    queue.begin(alone, at(14))
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
})
