// Answers that are kept with what they tell of, in two processes' hands.

import assert from 'node:assert/strict'
import path from 'node:path'
import { QueueError } from '../../src/errors'
import { openDispatcherQueue, openWorkerQueue, thisProcess } from '../../src/queue/open'
import type { BounceSubmission, OrderQueue } from '../../src/queue/store'
import { request, temporaryFolder } from './support'

const FORECAST = { nowMonoMs: 0, spacingMs: 1000, marginMs: 0 }

describe('an order with a key', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  let one: OrderQueue
  let other: OrderQueue
  beforeEach(() => {
    temporary = temporaryFolder()
    const file = path.join(temporary.folder, 'queue.sqlite')
    one = openWorkerQueue(file, { create: true })
    other = openWorkerQueue(file)
  })
  afterEach(() => {
    for (const queue of [one, other]) queue.close()
    temporary.remove()
  })

  function order(changes: Partial<BounceSubmission> = {}): BounceSubmission {
    return {
      requests: [request()],
      nowMs: 0,
      forecast: FORECAST,
      key: { name: 'key', digest: 'first' },
      answer: added => added.map(({ outcome, createdAtMs }) => `${outcome} ${createdAtMs}`).join(),
      ...changes,
    }
  }

  it('that another worker has taken meanwhile adds nothing, and comes to the first answer', () => {
    const first = one.addAnswered(order({ nowMs: 5 }))
    assert.deepEqual(first.answered, { digest: 'first', answer: 'added 5' })
    const late = order({ requests: [request({ sesId: 'late' })], key: { name: 'key', digest: 'second' } })
    assert.deepEqual(other.addAnswered(late), { added: [], answered: first.answered })
    assert.equal(other.known('late').size, 0)
    assert.deepEqual(other.answered('key'), first.answered)
    assert.equal(other.answered('another'), undefined)
  })

  it('leaves no answer when it is not taken, and no job when its answer can not be kept', () => {
    const early = request({ deadlineMs: 0 })
    assert.throws(
      () => one.addAnswered(order({ requests: [early], nowMs: 5000 })),
      (error: unknown) => error instanceof QueueError && error.code === 'QUEUE_OVERLOADED',
    )
    assert.equal(one.answered('key'), undefined)
    const broken = order({
      requests: [request({ sesId: 'broken' })],
      answer: () => {
        throw new Error('no answer')
      },
    })
    assert.throws(() => one.addAnswered(broken), /no answer/)
    assert.equal(one.known('broken').size, 0)
  })

  it('is forgotten with thousands of others at a time: orders that add nothing come faster than any job', () => {
    const mail = request()
    one.add([mail], 7)
    const keys = Array.from({ length: 1000 }, (_, n) => `key ${n}`)
    for (const name of keys) one.addAnswered(order({ requests: [mail], key: { name, digest: '' }, nowMs: 8 }))
    const dispatcher = openDispatcherQueue(path.join(temporary.folder, 'queue.sqlite'))
    assert.ok(dispatcher.lock(thisProcess(), 0, 1))
    dispatcher.prune(8)
    assert.equal(keys.filter(key => one.answered(key)).length, 1000)
    dispatcher.prune(9)
    assert.equal(keys.filter(key => one.answered(key)).length, 0)
    dispatcher.close()
  })

  it('tells of the job that was there before, and keeps nothing without a key', () => {
    const mail = request()
    one.add([mail], 7)
    const { key: _key, ...keyless } = order({ requests: [mail], nowMs: 9 })
    assert.equal(other.addAnswered(keyless).answered.answer, 'known 7')
    assert.equal(other.answered(''), undefined)
  })
})
