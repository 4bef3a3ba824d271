// Splits a refused call with several recipients into one for each, as one of them may be the reason. Pure.

import { byKey } from './calls'
import type { Job, JobEvent } from './job'
import { type Change, change } from './transitions'

export interface Split {
  /** The change of the job itself, which keeps its first recipient. */
  own: Change
  /** Recipients that each get their own job. */
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
