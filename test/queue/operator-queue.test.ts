// Changes by hand beside a dispatcher, the order and filters of the list, pauses, and the counts.

import assert from 'node:assert/strict'
import path from 'node:path'
import type { JobQuery } from '../../src/queue/operator'
import {
  openDispatcherQueue,
  openOperatorQueue,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteOperatorQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import type { Claim } from '../../src/queue/store'
import { addJob, due, HOUR_MS, request, setSpacing, takeLead, temporaryFolder } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const DAY_MS = 24 * HOUR_MS

const NOTHING = {
  pauses: [],
  blocked: [],
  mail: { kept: { bytes: 0, mails: 0 }, quarantine: { bytes: 0, mails: 0 } },
  reload: { isRefused: false },
}

describe('queue, the operators side', () => {
  let file: string
  let worker: SqliteWorkerQueue
  let dispatcher: SqliteDispatcherQueue
  let queue: SqliteOperatorQueue
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    worker = openWorkerQueue(file, { create: true })
    dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher)
    queue = openOperatorQueue(file)
  })
  afterEach(() => {
    queue.close()
    worker.close()
    dispatcher.close()
    remove()
  })

  function add(changes: Parameters<typeof request>[0] = {}, nowMs = 0): string {
    return addJob(worker, request(changes), nowMs).jobId
  }

  function claim(ms: number, region = 'eu-west-1'): Claim {
    const claimed = dispatcher.claim(region, { ms, monoMs: ms }, SPACING)
    assert.ok(claimed)
    return claimed
  }

  function end(state: 'sent' | 'failed' | 'held', ms: number): string {
    const claimed = claim(ms)
    dispatcher.begin(claimed, { ms, monoMs: ms })
    const effect =
      state === 'sent'
        ? ({ state, messageId: 'bounce1', detail: 'SES made it' } as const)
        : { state, detail: 'as SES said' }
    dispatcher.settle(claimed, effect, { ms, seenMonoMs: ms })
    return claimed.job.id
  }

  const lastEvent = (id: string) => queue.history(id).at(-1)
  const ids = (query: JobQuery = {}) => [...queue.jobs(query)].map(({ id }) => id)

  describe('by hand', () => {
    it('holds a queued job, so that no dispatcher claims it, and queues it again', () => {
      const id = add()
      assert.deepEqual(queue.hold(id, 10), { value: { from: 'queued', to: 'held' } })
      assert.equal(dispatcher.claim('eu-west-1', { ms: 11, monoMs: 11 }, SPACING), undefined)
      assert.deepEqual(due(dispatcher, 11, 1000), [])
      assert.deepEqual(queue.retry(id, 12, PACE), { value: { from: 'held', to: 'queued' } })
      assert.equal(claim(13).job.id, id)
    })

    it('keeps in the history what was done, and why the job was in its state before', () => {
      add()
      const id = end('failed', 5)
      queue.retry(id, 20, PACE)
      assert.deepEqual(lastEvent(id), {
        atMs: 20,
        what: 'by hand',
        detail: 'failed -> queued; before: as SES said',
      })
      assert.equal(queue.job(id)?.reason, 'it was queued again by hand')
    })

    it('cancels what is queued or held, and the mail counts as ended from then on', () => {
      const [queued, held] = [add({ sesId: 'one' }), add()]
      queue.hold(held, 1)
      assert.deepEqual(queue.cancel(queued, 2), { value: { from: 'queued', to: 'cancelled' } })
      assert.deepEqual(queue.cancel(held, 2), { value: { from: 'held', to: 'cancelled' } })
      assert.equal(worker.add([request({ sesId: 'one' })], 3)[0]?.outcome, 'ended')
      assert.ok('value' in queue.retry(queued, 4, PACE))
      assert.ok('value' in queue.retry(held, 4, PACE))
      assert.equal(worker.add([request({ sesId: 'one' })], 5)[0]?.outcome, 'known')
    })

    it('gives a job that was held for its tries as many again', () => {
      add()
      const id = end('held', 5)
      assert.equal(queue.job(id)?.unknownTries, 1)
      queue.retry(id, 6, PACE)
      const job = queue.job(id)
      assert.deepEqual([job?.unknownTries, job?.interruptions, job?.tries], [0, 0, 1])
    })

    it('queues an expired job again while its window lasts', () => {
      const id = add({ deadlineMs: HOUR_MS })
      dispatcher.expire('eu-west-1', HOUR_MS - PACE.marginMs, PACE.marginMs + 1)
      assert.equal(queue.job(id)?.state, 'expired')
      assert.ok('value' in queue.retry(id, HOUR_MS - PACE.marginMs, PACE))
    })

    it('refuses a retry after the last moment, and one with too many jobs before it', () => {
      const id = add({ deadlineMs: HOUR_MS })
      end('failed', 5)
      assert.deepEqual(queue.retry(id, HOUR_MS - PACE.marginMs + 1, PACE), {
        fault: 'its window has ended: the last moment to send it was 1970-01-01T00:59:00.000Z',
      })
      for (let n = 0; n < 3; n++) add({ deadlineMs: HOUR_MS - 1 })
      const lastMs = HOUR_MS - PACE.marginMs
      assert.deepEqual(queue.retry(id, lastMs - 2999, PACE), {
        fault:
          "it can't start in time: 3 go before it, until 1970-01-01T00:59:00.001Z, and the last moment to send it is 1970-01-01T00:59:00.000Z",
      })
      assert.ok('value' in queue.retry(id, lastMs - 3000, PACE))
    })

    it('refuses a retry that would have another job expire', () => {
      const id = add({ deadlineMs: HOUR_MS })
      setSpacing(dispatcher, PACE.spacingMs)
      end('failed', 5)
      for (let n = 0; n < 2; n++) add({ deadlineMs: HOUR_MS + PACE.spacingMs })
      const lastMs = HOUR_MS - PACE.marginMs
      assert.deepEqual(queue.retry(id, lastMs, PACE), {
        fault: 'a bounce with a later deadline could not start in time any more',
      })
      assert.ok('value' in queue.retry(id, lastMs - PACE.spacingMs, PACE))
    })

    it('leaves alone what is being sent, what was sent, and what is not there', () => {
      const sent = add()
      end('sent', 1)
      const sending = add()
      claim(2000)
      const before = [sent, sending].map(id => [queue.job(id), queue.history(id)])
      for (const change of [
        (id: string) => queue.retry(id, 9, PACE),
        (id: string) => queue.cancel(id, 9),
        (id: string) => queue.hold(id, 9),
      ]) {
        assert.deepEqual(change(sending), {
          fault: 'it is being sent; its call may be on its way',
        })
        const answer = change(sent)
        assert.match('fault' in answer ? answer.fault : '', /^it is sent; only what is .* can become/)
        assert.deepEqual(change('nothing'), { fault: 'there is no such job' })
      }
      assert.deepEqual(
        [sent, sending].map(id => [queue.job(id), queue.history(id)]),
        before,
      )
    })

    it('says when there is nothing to change', () => {
      const id = add()
      assert.deepEqual(queue.retry(id, 1, PACE), { fault: 'it is queued already' })
      queue.hold(id, 1)
      assert.deepEqual(queue.hold(id, 2), { fault: 'it is held already' })
    })
  })

  describe('pauses', () => {
    it('keep the jobs of a region from being due and from being claimed, until it is resumed', () => {
      add()
      add({ region: 'us-east-1' })
      assert.equal(queue.pause('eu-west-1', 7), true)
      assert.equal(queue.pause('eu-west-1', 8), false)
      assert.deepEqual(
        due(dispatcher, 9, 1000).map(({ region }) => region),
        ['us-east-1'],
      )
      assert.equal(dispatcher.claim('eu-west-1', { ms: 9, monoMs: 9 }, SPACING), undefined)
      assert.deepEqual(dispatcher.plan({ nowMs: 9, longestPauseMs: 1000 })?.pauses, [
        { region: 'eu-west-1', sinceMs: 7 },
      ])
      assert.equal(queue.resume('eu-west-1'), true)
      assert.equal(queue.resume('eu-west-1'), false)
      assert.equal(due(dispatcher, 9, 1000).length, 2)
      claim(9)
    })

    it('of every region end with all others', () => {
      add()
      queue.pause(undefined, 7)
      queue.pause('us-east-1', 8)
      assert.deepEqual(queue.pauses(), [{ sinceMs: 7 }, { region: 'us-east-1', sinceMs: 8 }])
      assert.deepEqual(due(dispatcher, 9, 1000), [])
      assert.equal(queue.resume('eu-west-1'), false)
      assert.equal(queue.resume(undefined), true)
      assert.deepEqual(queue.pauses(), [])
      assert.equal(queue.resume(undefined), false)
      claim(9)
    })

    it('outlive every process, and let jobs expire and be changed by hand', () => {
      const [first, second] = [add({ deadlineMs: 100 }), add()]
      queue.pause(undefined, 7)
      queue.close()
      queue = openOperatorQueue(file)
      assert.deepEqual(queue.pauses(), [{ sinceMs: 7 }])
      assert.deepEqual(
        dispatcher.expire('eu-west-1', 200, 0).map(({ id }) => id),
        [first],
      )
      assert.ok('value' in queue.hold(second, 201))
    })
  })

  describe('the list', () => {
    it('has what waits by deadline, then what has ended, latest first', () => {
      add({ deadlineMs: HOUR_MS })
      const older = end('sent', 1000)
      add({ deadlineMs: HOUR_MS })
      const newer = end('failed', 3000)
      const late = add({ deadlineMs: 3 * HOUR_MS })
      const soon = add({ deadlineMs: HOUR_MS })
      const held = add({ deadlineMs: 2 * HOUR_MS })
      queue.hold(held, 1)
      assert.deepEqual(ids(), [soon, held, late, newer, older])
      assert.deepEqual(ids({ limit: 2 }), [soon, held])
      assert.deepEqual(ids({ states: ['failed', 'queued'] }), [soon, late, newer])
    })

    it('is filtered by region, rule, sender, recipient and id of SES, all at once', () => {
      const one = add({ rule: 'one', sender: 'Joe@Origin.example', sesId: 'm1' })
      const two = add({ region: 'us-east-1', sender: 'ann@sub.origin.example', sesId: 'm2' })
      const three = add({ sesId: 'm3', recipient: { address: 'Other@yours.example' } })
      assert.deepEqual(ids({ region: 'us-east-1' }), [two])
      assert.deepEqual(ids({ rule: 'one' }), [one])
      assert.deepEqual(ids({ sender: 'joe@ORIGIN.example' }), [one])
      assert.deepEqual(ids({ sender: '@origin.example' }), [one, three])
      assert.deepEqual(ids({ sender: '@origin.example', limit: 1 }), [one])
      assert.deepEqual(ids({ recipient: 'OTHER@yours.example' }), [three])
      assert.deepEqual(ids({ sesId: 'm2' }), [two])
      assert.deepEqual(ids({ sesId: 'm2', rule: 'one' }), [])
      assert.deepEqual(ids({ rule: "' OR 1 --" }), [])
      add({ sesId: 'm4', sender: 'root' })
      assert.deepEqual(ids({ sender: '@' }), [], 'nor a sender without a domain')
    })

    it('goes on while jobs are changed and forgotten behind it', () => {
      // more than are read together
      const all = Array.from({ length: 300 }, () => add())
      const list = queue.jobs({ states: ['queued'] })
      assert.equal(list.next().value?.id, all[0])
      const last = all.at(-1) ?? ''
      queue.hold(last, 1)
      assert.deepEqual(
        [...list].map(({ id }) => id),
        all.slice(1, -1),
      )
    })

    it('keeps no view of the file open, so that the log of changes can be written back', () => {
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
  })

  describe('at a glance', () => {
    it('counts jobs by state, recipients by rule, and what each region has', () => {
      add({ rule: 'one' }, 10)
      end('sent', 1000)
      add({ rule: 'one', deadlineMs: HOUR_MS }, 2000)
      add({ rule: 'two' }, 3000)
      add({ region: 'us-east-1', rule: 'one' }, 3000)
      queue.pause('us-east-1', 4000)
      const { states, regions, jobs, ...rest } = queue.stats({ ms: 5000, monoMs: 5000 }, PACE)
      assert.equal(jobs.find(one => one.region === 'us-east-1' && one.state === 'queued')?.jobs, 1)
      assert.deepEqual([states.sent, states.queued, states.held], [1, 3, 0])
      assert.deepEqual(queue.countByRule(), [
        { rule: 'one', states: { queued: 2, sent: 1 } },
        { rule: 'two', states: { queued: 1 } },
      ])
      assert.deepEqual(rest, {
        ...NOTHING,
        pauses: [{ region: 'us-east-1', sinceMs: 4000 }],
        oldestMs: 2000,
        nextDeadlineMs: HOUR_MS,
        silentMs: 4000,
      })
      assert.deepEqual(regions, [
        {
          region: 'eu-west-1',
          spacingMs: 1000,
          jobMs: 1000,
          queued: 2,
          sending: 0,
          later: 0,
          nextDeadlineMs: HOUR_MS,
          lastMinute: { calls: 1, sent: 1, throttled: 0 },
          drainMs: 2000,
          willMiss: 0,
        },
        {
          region: 'us-east-1',
          spacingMs: 1000,
          jobMs: 1000,
          queued: 1,
          sending: 0,
          later: 0,
          nextDeadlineMs: DAY_MS,
          pausedSinceMs: 4000,
          lastMinute: { calls: 0, sent: 0, throttled: 0 },
          drainMs: 1000,
          willMiss: 0,
        },
      ])
    })

    it('shows senders and regions that SES refuses', () => {
      for (const blocks of ['sender', 'region'] as const) {
        add({ region: blocks === 'sender' ? 'eu-west-1' : 'us-east-1' })
        const claimed = dispatcher.claim(
          blocks === 'sender' ? 'eu-west-1' : 'us-east-1',
          { ms: 10, monoMs: 10 },
          SPACING,
        )
        assert.ok(claimed)
        dispatcher.begin(claimed, { ms: 10, monoMs: 10 })
        const effect = { state: 'queued', what: 'retry', notBeforeMs: 60_010, detail: 'no', blocks } as const
        dispatcher.settle(claimed, effect, { ms: 10, seenMonoMs: 10 })
      }
      assert.deepEqual(queue.stats({ ms: 20, monoMs: 20 }, PACE).blocked, [
        { region: 'eu-west-1', bounceSender: 'mailer-daemon@yours.example', nextTryMs: 60_010, why: 'no' },
        { region: 'us-east-1', nextTryMs: 60_010, why: 'no' },
      ])
    })

    it('counts calls that ended within the last minute', () => {
      add()
      end('failed', 1000)
      const calls = (nowMs: number) =>
        queue.stats({ ms: nowMs, monoMs: nowMs }, PACE).regions[0]?.lastMinute.calls
      assert.equal(calls(60_999), 1)
      assert.equal(calls(61_000), 0)
    })

    it('shows the present pace of a region, and forecasts with the duration of its jobs', () => {
      for (let n = 0; n < 3; n++) add()
      setSpacing(dispatcher, 1000, new Map([['eu-west-1', 2500]]))
      const claim = dispatcher.claim('eu-west-1', { ms: 0, monoMs: 0 }, SPACING)
      assert.ok(claim)
      const throttled = { state: 'queued', what: 'throttled', notBeforeMs: 0, detail: '' } as const
      dispatcher.settle(claim, throttled, { ms: 0, seenMonoMs: 0, slowdown: 1.5 })
      const region = queue.stats({ ms: 0, monoMs: 0 }, PACE).regions[0]
      assert.deepEqual([region?.spacingMs, region?.jobMs, region?.drainMs], [1500, 2500, 7500])
      add({ region: 'us-east-1' })
      const plans = dispatcher.plan({ nowMs: 0, longestPauseMs: 0 })?.regions
      assert.deepEqual(
        plans?.map(({ slowdown }) => slowdown),
        [1.5, 1],
      )
    })

    it('forecasts the jobs that miss their window, without counting them before others', () => {
      // 59 s are left before the margin, for jobs 1 s apart: the first starts at once
      for (let n = 0; n < 70; n++) add({ deadlineMs: PACE.marginMs + 59_000 })
      add()
      const region = queue.stats({ ms: 0, monoMs: 0 }, PACE).regions[0]
      assert.deepEqual([region?.willMiss, region?.drainMs], [10, 61_000])
    })

    it('is empty in an empty queue', () => {
      const { states, regions, jobs, ...rest } = queue.stats({ ms: 0, monoMs: 0 }, PACE)
      assert.deepEqual(new Set(Object.values(states)), new Set([0]))
      assert.deepEqual([queue.countByRule(), regions, jobs, rest], [[], [], [], { ...NOTHING, silentMs: 0 }])
    })
  })

  it('makes no file where there is none', () => {
    assert.throws(() => openOperatorQueue(`${file}.not`), { code: 'QUEUE_UNREADABLE' })
  })
})
