import assert from 'node:assert/strict'
import fc from 'fast-check'
import { effectOf, type Outcome, retryPauseMs } from '../../src/queue/effects'
import { job } from '../dispatch/support'

const RETRY = { retryFirstMs: 2000, retryLongestMs: 600_000, unknownTries: 3 }
const NOW_MS = 1_000_000

describe('the job', () => {
  const effect = (outcome: Outcome, more = {}) => effectOf(outcome, job(more), RETRY, NOW_MS)

  it('is sent with the id of the bounce', () => {
    assert.deepEqual(effect({ kind: 'sent', messageId: 'abc' }), {
      state: 'sent',
      messageId: 'abc',
      detail: 'SES made the bounce abc',
    })
  })

  it('keeps its place when SES throttles', () => {
    assert.deepEqual(effect({ kind: 'throttled', detail: 'slow' }, { tries: 7 }), {
      state: 'queued',
      what: 'throttled',
      notBeforeMs: 0,
      detail: 'slow',
    })
  })

  it('is retried at growing pauses when SES could not be reached', () => {
    const pauses = [0, 1, 2, 8, 9, 1000].map(tries => {
      const after = effect({ kind: 'temporary', detail: 'down' }, { tries })
      assert.ok(after.state === 'queued' && after.what === 'retry')
      return after.notBeforeMs - NOW_MS
    })
    assert.deepEqual(pauses, [2000, 4000, 8000, 512_000, 600_000, 600_000])
  })

  it('is retried each minute while something blocks it, and never fails for it', () => {
    for (const scope of ['sender', 'region'] as const) {
      assert.deepEqual(effect({ kind: 'blocked', scope, detail: 'no' }, { tries: 500 }), {
        state: 'queued',
        what: 'retry',
        notBeforeMs: NOW_MS + 60_000,
        detail: 'no',
        blocks: scope,
      })
    }
  })

  it('is held when its outcome was unknown as often as [queue] unknown_tries says', () => {
    const unknown: Outcome = { kind: 'unknown', detail: 'reset' }
    for (const unknownTries of [0, 1]) {
      const after = effect(unknown, { unknownTries, tries: unknownTries })
      assert.ok(after.state === 'queued' && after.what === 'unknown outcome')
      assert.equal(after.notBeforeMs, NOW_MS + 2000 * 2 ** unknownTries)
    }
    assert.deepEqual(effect(unknown, { unknownTries: 2, tries: 2 }), {
      state: 'held',
      detail: 'the outcome of 3 calls is unknown, the last: reset',
    })
    assert.equal(effectOf(unknown, job(), { ...RETRY, unknownTries: 1 }, NOW_MS).state, 'held')
  })

  it("fails with SES's words when SES doesn't want it", () => {
    assert.deepEqual(effect({ kind: 'refused', detail: '400 MessageRejected: no' }), {
      state: 'failed',
      detail: '400 MessageRejected: no',
      pauses: { untilMs: NOW_MS + 60_000, ownUntilMs: NOW_MS + 600_000 },
    })
  })
})

describe('retryPauseMs', () => {
  it('is a finite time between the shortest and the longest for any number of tries', () => {
    fc.assert(
      fc.property(fc.nat(), tries => {
        const pauseMs = retryPauseMs(tries, RETRY)
        assert.ok(pauseMs >= RETRY.retryFirstMs && pauseMs <= RETRY.retryLongestMs)
      }),
      { numRuns: 50 },
    )
  })
})
