// Decides from the outcome of a call the changes of its job, of the job's bounce sender, and of waiting jobs. Pure.

import type { EpochMs } from '../units'
import { blocks, type RefusalFacts, refused, type SenderChange, type SenderFacts, works } from './breaker'
import { hasUnconfirmed, type Job } from './job'
import { type Split, splitOf } from './split'
import type { Effect, Settled } from './store'
import { type Change, change } from './transitions'

/** `refusal`: where SES refused the call, and refusals may pause its bounce sender. */
export type CallFacts = SenderFacts & { refusal?: RefusalFacts }

export interface Settlement {
  job: Change
  split?: Split
  sender?: SenderChange
  /** The result for an unconfirmed recipient: SES made the bounce, or refused it. */
  unconfirmed?: 'made' | 'refused'
  answer: Settled
}

/** `job`: its state at the claim. */
export function settlementOf(job: Job, effect: Effect, facts: CallFacts): Settlement {
  switch (effect.state) {
    case 'sent': {
      const { messageId, detail } = effect
      return {
        ...settled(ended(job, 'sent', detail, { messageId }), 'sent', works(job, facts)),
        ...(hasUnconfirmed(job) && { unconfirmed: 'made' }),
      }
    }
    case 'queued': {
      const { blocks: scope, notBeforeMs, detail } = effect
      const sender = scope && blocks(job, facts, scope, notBeforeMs, detail)
      return settled(queuedAgain(job, effect.what, detail, notBeforeMs), 'queued', sender)
    }
    case 'failed':
      return refusalOf(job, effect, facts)
    case 'held':
      return settled(ended(job, 'held', effect.detail, { unknownTries: job.unknownTries + 1 }), 'held')
  }
}

function refusalOf(job: Job, effect: Extract<Effect, { state: 'failed' }>, facts: CallFacts): Settlement {
  const { detail, pauses } = effect
  const sender = pauses && facts.refusal ? refused(job, facts, facts.refusal, pauses, detail) : undefined
  if (sender?.ownMs !== undefined)
    return settled(queuedAgain(job, 'put back', detail, sender.ownMs), 'queued', sender)
  if (job.recipients.length > 1) {
    const split = splitOf(job, detail, job.tries + 1)
    return { ...settled(split.own, 'split', sender), split }
  }
  return {
    ...settled(ended(job, 'failed', detail), 'failed', sender),
    ...(hasUnconfirmed(job) && { unconfirmed: 'refused' }),
  }
}

function settled(job: Change, state: Settled['state'], sender?: SenderChange): Settlement {
  return { job, ...(sender && { sender }), answer: { state, changes: sender?.said ?? [] } }
}

function ended(
  { state, tries }: Job,
  to: 'sent' | 'failed' | 'held',
  detail: string,
  more: { messageId?: string; unknownTries?: number } = {},
): Change {
  const details = { ...more, reason: detail, tries: tries + 1 }
  return change('dispatcher', state, to, details, { what: to, detail })
}

function queuedAgain(
  { state, tries, unknownTries }: Job,
  what: 'throttled' | 'retry' | 'unknown outcome' | 'put back',
  detail: string,
  notBeforeMs: EpochMs,
): Change {
  const details = {
    reason: detail,
    notBeforeMs: Math.round(notBeforeMs),
    tries: tries + 1,
    ...(what === 'unknown outcome' && { unknownTries: unknownTries + 1 }),
  }
  return change('dispatcher', state, 'queued', details, { what, detail })
}
