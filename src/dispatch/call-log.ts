// What the log says of calls, of the jobs that they are for, and of bounce senders that are paused. Pure.

import type { Outcome } from '../queue/effects'
import type { Job } from '../queue/job'
import type { Settled, StateChange } from '../queue/store'

export function levelOf(outcome: Outcome, state: Settled['state']): 'info' | 'warn' | 'error' {
  if (outcome.kind === 'sent') return 'info'
  return state === 'failed' || state === 'held' ? 'error' : 'warn'
}

/** What is blocked waits, and says so once. */
export function describeChange({ region, bounceSender, isPaused, detail = '' }: StateChange): string {
  const who = `region=${region}${bounceSender === undefined ? '' : ` bounce_sender=${bounceSender}`}`
  return isPaused
    ? `${who} is paused, its bounces wait, one is tried each minute: ${detail}`
    : `${who} works again`
}

export function describe(job: Job): string {
  return `job=${job.id} region=${job.region} ses_id=${job.sesId} recipients=${job.recipients.length}`
}
