// The context of every `queue` command: the queue, the output, and the clocks.

import type { OperatorContext } from '../../app/operator-actions'
import { queueStats } from '../../app/queue-stats'
import type { Owner } from '../../config/owner'
import type { Actor } from '../../queue/audit'
import type { QueueStats } from '../../queue/stats'
import type { EpochMs, MonoMs } from '../../units'
import type { Out } from '../out'
import type { Place } from './queue-context'

/** Shows a text in place of the one before. */
export interface Screen {
  columns: number
  rows: number
  write(text: string): unknown
}

export interface QueueIo {
  /** For tests. Undefined: the queue's time. */
  nowMs?: () => EpochMs
  /** Milliseconds of the machine's monotonic clock. */
  monoMs: () => MonoMs
  /** Resolves after that time, or early when the signal aborts. Never rejects. */
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Undefined: standard output is no terminal. */
  screen: Screen | undefined
  /** Changes the user of this process, when it is root. */
  become: (owner: Owner) => void
  /** Aborted by Ctrl-C. */
  stopped: () => AbortSignal
  /** Asks on the terminal. Undefined: there is none, or nobody to answer. */
  ask: ((question: string) => Promise<string>) | undefined
  /** The person who runs the command. */
  actor: Actor
}

export interface Run extends QueueIo {
  nowMs: () => EpochMs
  place: Place
  /** The output, with control characters escaped. */
  out: Out
  json: boolean
}

export function statsOf({ place: { queue, pace }, nowMs, monoMs }: Run): Promise<QueueStats> {
  return queueStats(queue, { ms: nowMs(), monoMs: monoMs() }, pace)
}

/** The command itself shows the change; a dispatcher sees it at its next look. */
export function operatorOf(
  { place: { queue, pace }, actor, nowMs, monoMs }: Run,
  reason?: string,
): OperatorContext {
  const now = { ms: nowMs(), monoMs: monoMs() }
  return {
    queue,
    pace,
    now,
    actor,
    ...(reason !== undefined && { reason }),
    note: () => undefined,
    wake: () => undefined,
  }
}
