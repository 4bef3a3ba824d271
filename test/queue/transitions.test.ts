import assert from 'node:assert/strict'
import { hasEnded, JOB_STATES } from '../../src/queue/job'
import { change, claimed, expired, leftBehind, MAY_FOLLOW, released } from '../../src/queue/transitions'
import { job } from '../dispatch/support'

const LIMITS = { unknownTries: 3, interruptions: 2 }

describe('the states of a job', () => {
  it('leave an ended state only by an operator, and end only from queued and sending', () => {
    for (const to of JOB_STATES) {
      for (const from of MAY_FOLLOW.dispatcher[to] ?? []) {
        const isPutBack = from === 'failed' && to === 'queued'
        assert.ok(isPutBack || from === 'queued' || from === 'sending', `${from} -> ${to}`)
      }
      assert.ok(!MAY_FOLLOW.operator[to]?.includes('sending'), 'a job in progress is not changed by hand')
      if (hasEnded(to)) assert.ok(MAY_FOLLOW.operator.queued?.includes(to), `${to} can be tried again`)
      assert.ok(!MAY_FOLLOW.operator[to]?.includes('sent') && !MAY_FOLLOW.dispatcher[to]?.includes('sent'))
    }
  })

  it('refuse a step that is not in the table: no engine can write it', () => {
    const step = () => change('operator', 'sending', 'cancelled', {})
    assert.throws(step, /^Error: the operator can't make a sending job cancelled$/)
    assert.throws(() => claimed({ state: 'held' }, 0))
    assert.throws(() => released({ state: 'queued' }))
    assert.throws(() => expired(job({ state: 'sending' })))
  })
})

describe('a change by the dispatcher', () => {
  it('says when a claimed call starts, and keeps the reason of the last try', () => {
    assert.deepEqual(claimed({ state: 'queued' }, 24.6), {
      state: 'sending',
      events: [{ what: 'claimed', detail: 'the call starts in 25 ms' }],
    })
    assert.equal('reason' in released({ state: 'sending' }), false)
  })

  it('tells of an expired job how often it was tried, and what came of the last attempt', () => {
    const waits = job({ state: 'queued' })
    assert.equal(expired(waits).reason, 'The deadline passed before it could be sent')
    assert.equal(
      expired({ ...waits, tries: 2, reason: '503 ServiceUnavailable' }).reason,
      'The deadline passed before it could be sent; attempts: 2, the last: 503 ServiceUnavailable',
    )
  })
})

describe('a job that a dead dispatcher left', () => {
  const sending = job({ tries: 1, interruptions: 0 })

  it('is queued as if nothing had been where its call had not begun', () => {
    const { state, events, ...rest } = leftBehind(sending, false, LIMITS)
    assert.deepEqual([state, events.map(({ what }) => what), rest], ['queued', ['released'], {}])
  })

  it('is tried again where its call may have been made, and counts the interruption', () => {
    const { state, events, tries, interruptions } = leftBehind(sending, true, LIMITS)
    assert.deepEqual([state, tries, interruptions], ['queued', 2, 1])
    assert.deepEqual(
      events.map(({ what }) => what),
      ['interrupted', 'retry'],
    )
  })

  it('is held when so many dispatchers died during its calls, or when no unknown outcome may be tried again', () => {
    for (const [limits, interruptions] of [
      [LIMITS, 1],
      [{ ...LIMITS, unknownTries: 1 }, 0],
    ] as const) {
      const { state, reason, events } = leftBehind({ ...sending, interruptions }, true, limits)
      assert.equal(state, 'held')
      assert.equal(reason, 'the dispatcher ended during the call; SES may have made the bounce')
      assert.deepEqual(
        events.map(({ what }) => what),
        ['interrupted', 'held'],
      )
    }
  })
})
