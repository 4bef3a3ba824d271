// Mounts the API and the status page in Haraka's own web server.

import { withoutHidden } from '../config/hidden-values'
import { systemClock } from '../dispatch/clock'
import type { HttpContext } from '../http/routes'
import { smtpEndpointOf } from '../quarantine/endpoint'
import { releaseLockFolder } from '../quarantine/release-lock'
import type { PluginContext } from './plugin-context'
import type { HarakaPlugin } from './types'
import type { HarakaServer } from './web-server'

export function mountRoutes(context: PluginContext, plugin: HarakaPlugin, server: HarakaServer): void {
  const { runtime } = context
  const app = server.http?.app
  if (!app) return
  // loaded here, as most installations have no web server and start faster without these files
  const { mount } = require('../http/mount') as typeof import('../http/mount')
  const { allRoutes } = require('../http/routes') as typeof import('../http/routes')
  const http: HttpContext = {
    activeConfig: () => runtime.activeConfig(),
    diagnostics: () => runtime.diagnostics(),
    queue: () => runtime.queue(),
    operator: () => runtime.operator(),
    mailStore: runtime.mailStore,
    threads: runtime.workerThreads,
    releaseTokens: () => runtime.releaseTokens(),
    releaseLocks: releaseLockFolder(runtime.harakaDir),
    smtpEndpoint: () => smtpEndpointOf(runtime.harakaDir),
    surges: () => runtime.surgeFiles.all(),
    host: runtime.hostName,
    configDigest: () => runtime.configDigest(),
    submitted: note => runtime.counts.submitted(note),
    wake: () => context.wakeDispatcher(),
    log: (level, message) => plugin[`log${level}`](withoutHidden(message)),
    nowMs: () => runtime.nowMs(),
    nowMonoMs: () => systemClock.monoMs(),
  }
  mount(app, allRoutes(http), http)
}
