// All routes, and the context that they need from their Haraka process.

import os from 'node:os'
import type { ActiveConfig } from '../app/active-config'
import { logLine } from '../app/log-line'
import { type OperatorContext, paceOf } from '../app/operator-actions'
import type { SurgeRecord } from '../app/surge-files'
import type { Diagnostic } from '../config/diagnostics'
import type { Endpoint } from '../quarantine/endpoint'
import type { MailStore } from '../quarantine/mail-store'
import type { ReleaseTokens } from '../quarantine/release-token'
import type { OperatorQueue } from '../queue/operator'
import type { Eventually, WorkerQueue } from '../queue/store'
import type { EpochMs, MonoMs } from '../units'
import type { WorkerThreads } from '../worker-thread/worker-threads'
import { apiRoutes } from './api'
import { healthRoutes } from './health'
import { metricsRoute } from './metrics'
import { operatorRoutes } from './operator-api'
import { pageRoutes } from './page'
import { quarantinePageRoutes } from './page-quarantine'
import { quarantineRoutes } from './quarantine-api'
import type { Route } from './router'

/** The parts of the Haraka process that a handler may use. */
export interface HttpContext {
  activeConfig(): ActiveConfig
  /** The diagnostics of the last reading of the configuration's files, active or not. */
  diagnostics(): readonly Diagnostic[]
  /** @throws QueueError */
  queue(): Eventually<WorkerQueue>
  /** With a worker's short wait for other writers. @throws QueueError */
  operator(): Eventually<OperatorQueue>
  /** The raw mail. */
  readonly mailStore: MailStore
  /** The threads that make mail readable for people. */
  readonly threads: Pick<WorkerThreads, 'preview'>
  /** For the release of quarantined mail. @throws QueueError */
  releaseTokens(): Promise<ReleaseTokens>
  /** A folder for the locks of releases. */
  readonly releaseLocks: string
  /** The address where this Haraka accepts mail. Undefined: smtp.ini names no address. */
  smtpEndpoint(): Promise<Endpoint | undefined>
  /** Plugins that refuse most recipients. */
  surges(): readonly SurgeRecord[]
  /** The name of this host, if several share the queue. */
  readonly host: string | undefined
  /** The digest of the configuration files as they are now. */
  configDigest(): string
  /** Counts a submitted bounce for the metrics, under that rule's name. */
  submitted(note: { rule: string; sesId: string; sender: string; recipient: string }): void
  /** Tells the dispatcher of a new job. */
  wake(): void
  log(level: 'info' | 'notice' | 'warn' | 'error', message: string): void
  nowMs(): EpochMs
  /** Monotonic milliseconds: setting the clock doesn't change them. */
  nowMonoMs(): MonoMs
}

/** `rule`: the name in the log instead of a rule's. `who`: the name of the token. */
export async function operatorContext(
  context: HttpContext,
  { rule, who, via, reason }: { rule: string; who: string; via: 'api' | 'page'; reason?: string },
): Promise<OperatorContext> {
  return {
    queue: await context.operator(),
    pace: paceOf(context.activeConfig().settings),
    now: { ms: context.nowMs(), monoMs: context.nowMonoMs() },
    actor: { who, via, host: context.host ?? os.hostname() },
    ...(reason !== undefined && { reason }),
    note: values => context.log('notice', logLine({ rule, ...values })),
    wake: () => context.wake(),
  }
}

export function allRoutes(context: HttpContext): Route[] {
  return [
    ...apiRoutes(context),
    ...operatorRoutes(context),
    ...quarantineRoutes(context),
    metricsRoute(context),
    ...healthRoutes(context),
    ...pageRoutes(context),
    ...quarantinePageRoutes(context),
  ]
}
