// Computes the progress of a queue since the first reading. Pure.

import { hasEnded, JOB_STATES } from '../../queue/job'
import type { QueueStats } from '../../queue/stats'
import { count, timeText } from '../explain/words'

export interface Drain {
  /** Jobs that wait, or are being sent. */
  waiting: number
  /** Jobs that have ended since the first reading. */
  done: number
  /** Time until the last job has started, in regions that aren't paused. */
  leftMs: number
}

/** Ended jobs are deleted after a time, so there may be fewer than at the first reading. */
export function drainSince(first: QueueStats, now: QueueStats): Drain {
  const running = now.regions.filter(({ pausedSinceMs }) => pausedSinceMs === undefined)
  return {
    waiting: now.states.queued + now.states.sending,
    done: Math.max(0, ended(now) - ended(first)),
    leftMs: Math.max(0, ...running.map(({ drainMs }) => drainMs)),
  }
}

function ended({ states }: QueueStats): number {
  return JOB_STATES.filter(state => hasEnded(state) || state === 'sent').reduce(
    (sum, state) => sum + states[state],
    0,
  )
}

/** `[#####-----] 50 of 100 done, 50 wait, drained in 50s` */
export function drainBar({ waiting, done, leftMs }: Drain, width: number): string {
  const all = waiting + done
  const filled = all === 0 ? width : Math.floor((done / all) * width)
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${drainText({ waiting, done, leftMs })}`
}

export function drainText({ waiting, done, leftMs }: Drain): string {
  const left = waiting > 0 && leftMs > 0 ? `, drained in ${timeText(leftMs)}` : ''
  return `${count(waiting, 'job')} to send${left}; ${count(done, 'job')} ended since`
}
