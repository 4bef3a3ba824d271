// Changes by hand of one job, as most tests want them.

import type { ByHand, JobAction, OperatorQueue, Pace } from '../../src/queue/operator'
import type { SqliteOperatorQueue } from '../../src/queue/sqlite/open'

const NO_PACE: Pace = { spacingMs: 0, forecastMs: 0, marginMs: 0 }

interface Calls<R> {
  retry(id: string, nowMs: number, pace: Pace): R
  cancel(id: string, nowMs: number): R
  hold(id: string, nowMs: number): R
}

export function byHand(queue: SqliteOperatorQueue): Calls<ByHand>
export function byHand(queue: OperatorQueue): Calls<Promise<ByHand>>
export function byHand(queue: OperatorQueue): Calls<ByHand | Promise<ByHand>> {
  const change = (action: JobAction, id: string, nowMs: number, pace = NO_PACE) => {
    const results = queue.change([id], { action, nowMs, pace })
    return results instanceof Promise ? results.then(firstOf) : firstOf(results)
  }
  return {
    retry: (id, nowMs, pace) => change('retry', id, nowMs, pace),
    cancel: (id, nowMs) => change('cancel', id, nowMs),
    hold: (id, nowMs) => change('hold', id, nowMs),
  }
}

function firstOf([first]: readonly ByHand[]): ByHand {
  if (first === undefined) throw new Error('the queue gave no result')
  return first
}
