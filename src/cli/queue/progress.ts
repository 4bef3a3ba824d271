// Computes the progress of a queue since the first reading. Pure.

import { hasEnded, JOB_STATES } from '../../queue/job'
import type { QueueStats } from '../../queue/stats'
import { count, timeText } from '../explain/words'

export interface Drain {
  /** Jobs that wait, or are being sent. */
  waiting: number
  /** Jobs that have ended since the first reading. */
  done: number
  /** Time until the last job has started, in regions that aren't paused. Undefined: not known. */
  leftMs?: number
}

/** Ended jobs are deleted after a time, so there may be fewer than at the first reading. */
export function drainSince(first: QueueStats, now: QueueStats): Drain {
  const running = now.regions.filter(({ pausedSinceMs }) => pausedSinceMs === undefined)
  const times = running.filter(({ queued }) => queued > 0).map(({ drainMs }) => drainMs)
  const known = times.filter(ms => ms !== undefined)
  return {
    waiting: now.states.queued + now.states.sending,
    done: Math.max(0, ended(now) - ended(first)),
    ...(known.length === times.length && { leftMs: Math.max(0, ...known) }),
  }
}

function ended({ states }: QueueStats): number {
  return JOB_STATES.filter(state => hasEnded(state) || state === 'sent').reduce(
    (sum, state) => sum + states[state],
    0,
  )
}

/** `[#####-----] 50 of 100 done, 50 wait, drained in 50s` */
export function drainBar(drained: Drain, width: number): string {
  const { waiting, done } = drained
  const all = waiting + done
  const filled = all === 0 ? width : Math.floor((done / all) * width)
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${drainText(drained)}`
}

export function drainText({ waiting, done, leftMs }: Drain): string {
  return `${count(waiting, 'job')} to send${waiting > 0 ? leftText(leftMs) : ''}; ${count(done, 'job')} ended since`
}

function leftText(leftMs: number | undefined): string {
  if (leftMs === undefined) return ', drain time unknown'
  return leftMs > 0 ? `, drained in ${timeText(leftMs)}` : ''
}
