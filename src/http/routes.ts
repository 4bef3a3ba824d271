// All that is served, each part with what it needs of the process that serves it.

import type { ActiveConfig } from '../app/active-config'
import { logLine } from '../app/log-line'
import { type OperatorContext, paceOf } from '../app/operator-actions'
import type { Diagnostic } from '../config/diagnostics'
import type { MailFolders } from '../quarantine/bring-in-order'
import type { OperatorQueue } from '../queue/operator'
import type { WorkerQueue } from '../queue/store'
import type { EpochMs, MonoMs } from '../units'
import { apiRoutes } from './api'
import { metricsRoute } from './metrics'
import { pageRoutes } from './page'
import type { Route } from './router'

/** What of its Haraka process a handler may use. */
export interface HttpContext {
  activeConfig(): ActiveConfig
  /** Of the configuration's files as they were read last, whether they came into force or not. */
  diagnostics(): readonly Diagnostic[]
  /** @throws QueueError */
  queue(): WorkerQueue
  /** Waits as little for other writers as a worker may. @throws QueueError */
  operator(): OperatorQueue
  /** Where the raw mail of jobs lies. */
  readonly mailFolders: MailFolders
  /** For the metrics: a bounce to that recipient of a mail was taken, as by that rule. */
  submitted(note: { rule: string; sesId: string; sender: string; recipient: string }): void
  /** There is a new job. */
  wake(): void
  log(level: 'info' | 'notice' | 'warn' | 'error', message: string): void
  nowMs(): EpochMs
  /** Monotonic milliseconds: setting the clock doesn't change them. */
  nowMonoMs(): MonoMs
}

/** `rule`: in the log, in place of a rule's name. */
export function operatorContext(context: HttpContext, rule: string): OperatorContext {
  return {
    queue: context.operator(),
    pace: paceOf(context.activeConfig().settings),
    now: { ms: context.nowMs(), monoMs: context.nowMonoMs() },
    note: values => context.log('notice', logLine({ rule, ...values })),
    wake: () => context.wake(),
  }
}

export function allRoutes(context: HttpContext): Route[] {
  return [...apiRoutes(context), metricsRoute(context), ...pageRoutes(context)]
}
