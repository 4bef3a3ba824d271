// Whatever an operator does between two steps of a dispatcher: the dispatcher's own job stays its own, no job is lost,
// and none is called while it is held, cancelled or paused.

import assert from 'node:assert/strict'
import path from 'node:path'
import fc from 'fast-check'
import { hasEnded } from '../../src/queue/job'
import { openDispatcherQueue, openOperatorQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import type { Claim } from '../../src/queue/store'
import { request, takeLead, temporaryFolder } from './support'

const SPACING = { spacingMs: 1, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const PACE = { spacingMs: 1, forecastMs: 1, marginMs: 0 }
const JOBS = 4

const STEP = fc.oneof(
  fc.record({ kind: fc.constantFrom('retry', 'cancel', 'hold'), job: fc.nat({ max: JOBS - 1 }) }),
  fc.record({ kind: fc.constantFrom('pause', 'resume', 'claim', 'claim', 'begin', 'release') }),
  fc.record({ kind: fc.constant('settle'), state: fc.constantFrom('sent', 'failed', 'held', 'queued') }),
)

describe('the queue, with an operator beside a dispatcher', function () {
  const { folder, remove } = temporaryFolder()
  after(() => remove())
  let files = 0

  it('keeps each promise to both, in any order of their steps', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 40 }), steps => {
        const file = path.join(folder, `${files++}.sqlite`)
        const worker = openWorkerQueue(file, { create: true })
        const dispatcher = openDispatcherQueue(file)
        const operator = openOperatorQueue(file)
        try {
          takeLead(dispatcher)
          const ids = Array.from({ length: JOBS }, () => worker.add([request()], 0)[0]?.jobId ?? '')
          let claim: Claim | undefined
          let hasBegun = false
          let isPaused = false
          for (const [index, step] of steps.entries()) {
            const now = { ms: index + 1, monoMs: index + 1 }
            const stateOf = (id: string) => operator.job(id)?.state
            if ('job' in step) {
              const id = ids[step.job] ?? ''
              const before = stateOf(id)
              const answer =
                step.kind === 'retry'
                  ? operator.retry(id, now.ms, PACE)
                  : step.kind === 'cancel'
                    ? operator.cancel(id, now.ms)
                    : operator.hold(id, now.ms)
              assert.equal(stateOf(id), 'value' in answer ? answer.value.to : before)
              if (before === 'sending' || before === 'sent') assert.ok('fault' in answer)
            } else if (step.kind === 'pause') {
              operator.pause(undefined, now.ms)
              isPaused = true
            } else if (step.kind === 'resume') {
              operator.resume(undefined)
              isPaused = false
            } else if (step.kind === 'claim' && claim === undefined) {
              const waiting = ids.filter(id => stateOf(id) === 'queued')
              claim = dispatcher.claim('eu-west-1', now, SPACING)
              if (isPaused) assert.equal(claim, undefined)
              if (claim) assert.ok(waiting.includes(claim.job.id))
              hasBegun = false
            } else if (step.kind === 'begin' && claim && !hasBegun) {
              dispatcher.begin(claim, now)
              hasBegun = true
            } else if (step.kind === 'release' && claim && !hasBegun) {
              dispatcher.release(claim, now.ms)
              claim = undefined
            } else if ('state' in step && claim && hasBegun) {
              const settled = { ms: now.ms, seenMonoMs: now.monoMs }
              if (step.state === 'sent')
                dispatcher.settle(claim, { state: 'sent', messageId: 'm', detail: 'd' }, settled)
              else if (step.state === 'queued')
                dispatcher.settle(
                  claim,
                  { state: 'queued', what: 'retry', notBeforeMs: 0, detail: 'd' },
                  settled,
                )
              else if (step.state === 'held' || step.state === 'failed')
                dispatcher.settle(claim, { state: step.state, detail: 'd' }, settled)
              claim = undefined
            }
            if (claim) assert.equal(stateOf(claim.job.id), 'sending')
          }
          const states = ids.map(id => operator.job(id)?.state ?? 'queued')
          const { states: counts, regions } = operator.stats({ ms: 100, monoMs: 100 }, PACE)
          assert.equal(counts.queued, states.filter(state => state === 'queued').length)
          assert.equal(regions[0]?.queued, counts.queued)
          for (const [index, state] of states.entries()) {
            const events = operator.history(ids[index] ?? '')
            const sent = events.filter(({ what }) => what === 'sent').length
            assert.equal(sent, state === 'sent' ? 1 : 0)
            if (hasEnded(state)) assert.ok(events.length > 1, 'an end has an event')
          }
        } finally {
          for (const one of [worker, dispatcher, operator]) one.close()
        }
      }),
      { numRuns: 100 },
    )
  })
})
