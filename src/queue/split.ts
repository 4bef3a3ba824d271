// A refused call with several recipients becomes a call for each: one of them may be what SES doesn't want. Pure.

import { byKey } from './calls'
import type { Job, JobEvent } from './job'
import { type Change, change } from './transitions'

export interface Split {
  /** Of the job itself: its first recipient stays in it. */
  own: Change
  /** Each of these recipients gets a job of its own. */
  others: string[]
  /** The first line in the history of each of these jobs. */
  event: Pick<JobEvent, 'what' | 'detail'>
}

export function splitOf({ id, state, recipients }: Job, refusal: string, tries: number): Split {
  const [, ...others] = recipients.toSorted(byKey)
  const why = `SES refused the call for all recipients: ${refusal}`
  const details = { reason: refusal, tries, isAlone: true as const }
  return {
    own: change('dispatcher', state, 'queued', details, {
      what: 'split',
      detail: `each recipient has a call of its own now, since ${why}`,
    }),
    others: others.map(({ address }) => address),
    event: { what: 'queued', detail: `it was split off job ${id}, since ${why}` },
  }
}
