// Log lines about calls, their jobs, and paused bounce senders. Pure.

import type { Outcome } from '../queue/effects'
import type { Job } from '../queue/job'
import type { Settled, StateChange } from '../queue/store'

export function levelOf(outcome: Outcome, state: Settled['state']): 'info' | 'warn' | 'error' {
  if (outcome.kind === 'sent') return 'info'
  return state === 'failed' || state === 'held' ? 'error' : 'warn'
}

/** The line for the beginning or the end of a pause. */
export function describeChange({ region, bounceSender, isPaused, detail = '' }: StateChange): string {
  const who = `region=${region}${bounceSender === undefined ? '' : ` bounce_sender=${bounceSender}`}`
  return isPaused
    ? `${who} is paused, its bounces wait, one is tried each minute: ${detail}`
    : `${who} works again`
}

export function describe(job: Job): string {
  return `job=${job.id} region=${job.region} ses_id=${job.sesId} recipients=${job.recipients.length}`
}
