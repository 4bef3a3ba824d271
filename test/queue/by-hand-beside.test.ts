// Whatever an operator does between two steps of a dispatcher: the dispatcher's own job stays its own, no job is lost,
// and none is called while it is held, cancelled or paused.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hasEnded } from '../../src/queue/job'
import type { Claim } from '../../src/queue/store'
import { addJob, inTurn, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine } from './engines'
import { request } from './support'

const SPACING = { spacingMs: 1, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const PACE = { spacingMs: 1, forecastMs: 1, marginMs: 0 }
const JOBS = 4

const STEP = fc.oneof(
  fc.record({ kind: fc.constantFrom('retry', 'cancel', 'hold'), job: fc.nat({ max: JOBS - 1 }) }),
  fc.record({ kind: fc.constantFrom('pause', 'resume', 'claim', 'claim', 'begin', 'release') }),
  fc.record({ kind: fc.constant('settle'), state: fc.constantFrom('sent', 'failed', 'held', 'queued') }),
)

forEachEngine('the queue with an operator beside a dispatcher', (makeStore, { runs }) => {
  it('keeps each promise to both, in any order of their steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 40 }), async steps => {
        const store = await makeStore()
        const worker = await store.worker()
        const dispatcher = await store.dispatcher()
        const operator = await store.operator()
        try {
          await takeLead(dispatcher)
          const ids = await inTurn(Array(JOBS), async () => (await addJob(worker, request(), 0)).jobId)
          let claim: Claim | undefined
          let hasBegun = false
          let isPaused = false
          for (const [index, step] of steps.entries()) {
            const now = { ms: index + 1, monoMs: index + 1 }
            const stateOf = async (id: string) => (await operator.job(id))?.state
            if ('job' in step) {
              const id = ids[step.job] ?? ''
              const before = await stateOf(id)
              const answer =
                step.kind === 'retry'
                  ? await byHand(operator).retry(id, now.ms, PACE)
                  : step.kind === 'cancel'
                    ? await byHand(operator).cancel(id, now.ms)
                    : await byHand(operator).hold(id, now.ms)
              assert.equal(await stateOf(id), 'value' in answer ? answer.value.to : before)
              if (before === 'sending' || before === 'sent') assert.ok('fault' in answer)
            } else if (step.kind === 'pause') {
              await operator.pause(undefined, now.ms)
              isPaused = true
            } else if (step.kind === 'resume') {
              await operator.resume(undefined)
              isPaused = false
            } else if (step.kind === 'claim' && claim === undefined) {
              const states = await inTurn(ids, stateOf)
              const waiting = ids.filter((_, index) => states[index] === 'queued')
              claim = await dispatcher.claim('eu-west-1', now, SPACING)
              if (isPaused) assert.equal(claim, undefined)
              if (claim) assert.ok(waiting.includes(claim.job.id))
              hasBegun = false
            } else if (step.kind === 'begin' && claim && !hasBegun) {
              await dispatcher.begin(claim, now)
              hasBegun = true
            } else if (step.kind === 'release' && claim && !hasBegun) {
              await dispatcher.release(claim, now.ms)
              claim = undefined
            } else if ('state' in step && claim && hasBegun) {
              const settled = { ms: now.ms, seenMonoMs: now.monoMs }
              if (step.state === 'sent')
                await dispatcher.settle(claim, { state: 'sent', messageId: 'm', detail: 'd' }, settled)
              else if (step.state === 'queued')
                await dispatcher.settle(
                  claim,
                  { state: 'queued', what: 'retry', notBeforeMs: 0, detail: 'd' },
                  settled,
                )
              else if (step.state === 'held' || step.state === 'failed')
                await dispatcher.settle(claim, { state: step.state, detail: 'd' }, settled)
              claim = undefined
            }
            if (claim) assert.equal(await stateOf(claim.job.id), 'sending')
          }
          const states = await inTurn(ids, async id => (await operator.job(id))?.state ?? 'queued')
          const { states: counts, regions } = await operator.stats({ ms: 100, monoMs: 100 }, PACE)
          assert.equal(counts.queued, states.filter(state => state === 'queued').length)
          assert.equal(regions[0]?.queued, counts.queued)
          for (const [index, state] of states.entries()) {
            const events = await operator.history(ids[index] ?? '')
            const sent = events.filter(({ what }) => what === 'sent').length
            assert.equal(sent, state === 'sent' ? 1 : 0)
            if (hasEnded(state)) assert.ok(events.length > 1, 'an end has an event')
          }
        } finally {
          await store.remove()
        }
      }),
      { numRuns: runs(100) },
    )
  })
})
