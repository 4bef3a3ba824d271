// The chart of the waiting jobs over a real queue: what it has once shown of a time that is over stays so.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { activityUntil, waitingBefore } from '../../src/http/page-chart'
import { ACTIVITY_BUCKET_MS } from '../../src/queue/stats'
import type { Effect } from '../../src/queue/store'
import { byHand } from '../queue/by-hand-calls'
import { HOUR_MS, request } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'

const EU = 'eu-west-1'
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }
const PACE = { spacingMs: 1000, forecastMs: 1035, marginMs: 60_000 }
const STEPS = ['add', 'send', 'fail', 'hold', 'cancel', 'retry', 'expire', 'prune', 'wait'] as const
type Step = (typeof STEPS)[number]

describe('the curve of waiting jobs', () => {
  it('keeps its past, whatever is added, sent, lost, held, cancelled, tried again or forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 60 }), runs),
      {
        numRuns: 40,
        examples: [
          [
            [
              'add',
              'add',
              'add',
              'hold',
              'wait',
              'send',
              'wait',
              'retry',
              'wait',
              'cancel',
              'wait',
              'retry',
              'fail',
              'wait',
            ],
          ],
          [
            [
              'add',
              'add',
              'expire',
              'wait',
              'prune',
              'add',
              'wait',
              'fail',
              'wait',
              'retry',
              'wait',
              'prune',
              'wait',
            ],
          ],
        ],
      },
    )
  })

  async function runs(steps: readonly Step[]): Promise<void> {
    const api = await startApi()
    try {
      const past = new Map<number, number>()
      for (const step of steps) {
        await take(api, step)
        const { buckets, waiting } = await activityUntil(api.clock.ms, api.operator)
        const curve = waitingBefore(buckets, waiting)
        for (const [index, { fromMs }] of buckets.entries()) {
          const shown = curve[index] ?? assert.fail()
          const isOver = fromMs + ACTIVITY_BUCKET_MS <= api.clock.ms
          if (isOver && past.has(fromMs))
            assert.equal(shown, past.get(fromMs), `${step} at ${fromMs - NOW_MS}`)
          if (isOver) past.set(fromMs, shown)
        }
        const { queued, sending, held } = api.operator.countByState()
        assert.equal(curve.at(-1), queued + sending + held)
      }
    } finally {
      await api.close()
    }
  }

  async function take(api: Api, step: Step): Promise<void> {
    const nowMs = api.clock.ms
    const jobs = [...api.operator.jobs()]
    const first = (states: readonly string[]) => jobs.find(({ state }) => states.includes(state))?.id ?? ''
    switch (step) {
      case 'add':
        api.queue.add([request({ deadlineMs: nowMs + 20 * HOUR_MS })], nowMs)
        return
      case 'send':
        return call(api, { state: 'sent', messageId: 'm', detail: 'd' })
      case 'fail':
        return call(api, { state: 'failed', detail: '400 X: no' })
      case 'hold':
        byHand(api.operator).hold(first(['queued']), nowMs)
        return
      case 'cancel':
        byHand(api.operator).cancel(first(['queued', 'held']), nowMs)
        return
      case 'retry':
        byHand(api.operator).retry(first(['held', 'failed', 'cancelled', 'expired']), nowMs, PACE)
        return
      case 'expire':
        api.dispatcher.expire(EU, nowMs, 24 * HOUR_MS)
        return
      case 'prune':
        api.dispatcher.prune(nowMs)
        return
      case 'wait':
        api.clock.ms += ACTIVITY_BUCKET_MS - 60_000
        return
    }
  }

  function call(api: Api, effect: Effect): void {
    const now = { ms: api.clock.ms, monoMs: api.clock.monoMs }
    const claim = api.dispatcher.claim(EU, now, SPACING)
    if (claim === undefined) return
    api.dispatcher.begin(claim, now)
    api.dispatcher.settle(claim, effect, { ms: now.ms, seenMonoMs: now.monoMs })
  }
})
