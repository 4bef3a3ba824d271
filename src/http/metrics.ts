// /ses-bounce/metrics for Prometheus: the counts of all processes, and the present state of the queue. Made from the
// store for each scrape, so it is the same from every worker. A fault of the store gives 503.

import type { RegistryContentType } from 'prom-client'
import { paceOf } from '../app/operator-actions'
import { queueStats } from '../app/queue-stats'
import type { SurgeRecord } from '../app/surge-files'
import { verdictSettings } from '../app/verdict-settings'
import type { Settings } from '../config/settings'
import type { Rule } from '../policy/rule'
import { type Labels, MOST_SETS } from '../queue/counters'
import type { QueueReader } from '../queue/operator'
import type { Eventually } from '../queue/store'
import { verdictOf } from '../queue/verdict'
import type { EpochMs, MonoMs } from '../units'
import { packageVersion } from '../version'
import { samplesOf } from './metrics-samples'
import { METRICS, type Metric, type MetricKey } from './metrics-table'
import type { Reply } from './reply'
import type { Route } from './router'

export interface MetricsContext {
  activeConfig(): { settings: Settings; policy: { rules: readonly Deciding[] } }
  /** @throws QueueError */
  operator(): Eventually<QueueReader>
  surges(): readonly SurgeRecord[]
  /** The name of this host, if several share the queue. */
  readonly host: string | undefined
  /** The digest of the configuration files as they are now. */
  configDigest(): string
  nowMs(): EpochMs
  nowMonoMs(): MonoMs
}

/** The parts of a rule that are labels of its decisions. */
type Deciding = Pick<Rule, 'name' | 'mode'> & { outcome: Pick<Rule['outcome'], 'action'> }

export function metricsRoute(context: MetricsContext): Route {
  return {
    method: 'GET',
    path: '/metrics',
    // names and hits of rules aren't public
    access: 'read',
    answer: ({ headers }) => scrape(headers.accept, context),
  }
}

/** @throws QueueError */
export async function scrape(accept: string | undefined, context: MetricsContext): Promise<Reply> {
  const now = { ms: context.nowMs(), monoMs: context.nowMonoMs() }
  const { settings, policy } = context.activeConfig()
  const reader = await context.operator()
  const stats = await queueStats(reader, now, paceOf(settings))
  const found = {
    ...stats,
    verdict: verdictOf(stats, verdictSettings(settings), now.ms),
    // the sums over hosts are Prometheus's
    sums: await reader.sums({ ofThisHost: true }),
    mailLimitBytes: settings.quarantine.limitBytes,
    surges: context.surges(),
    host: context.host,
    configDigest: context.configDigest(),
  }
  const build = { version: packageVersion(), node: process.version }
  const samples = samplesOf(found, now.ms, build, decisionsOf(policy.rules, settings.main.mode))
  const isOpenMetrics = wantsOpenMetrics(accept)
  const keys = Object.keys(METRICS) as MetricKey[]
  const metrics = keys.map(key => {
    const metric: Metric = METRICS[key]
    const { type, help } = metric
    // OpenMetrics: a counter's name is without the _total of its samples, which prom-client adds
    const name = isOpenMetrics && type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name
    return { name, type, help, values: samples[key], aggregator: 'sum' }
  })
  // loaded at the first scrape, as most workers never get one
  const prom = require('prom-client') as typeof import('prom-client')
  const registry = prom.AggregatorRegistry.aggregate<RegistryContentType>([metrics])
  registry.setContentType(isOpenMetrics ? prom.openMetricsContentType : prom.prometheusContentType)
  return { status: 200, headers: { 'Content-Type': registry.contentType }, body: await registry.metrics() }
}

function decisionsOf(rules: readonly Deciding[], mode: Rule['mode']): Labels[] {
  return rules.slice(0, MOST_SETS).map(({ name, mode: own, outcome: { action } }) => ({
    rule: name,
    action,
    mode: mode === 'observe' ? mode : own,
  }))
}

const OPEN_METRICS = 'application/openmetrics-text'
const CLASSIC = 'text/plain'

/** RFC 9110 section 12.5.1. A client without a preference gets OpenMetrics. */
export function wantsOpenMetrics(accept = '*/*'): boolean {
  const ranges = accept.split(',').map(range => {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const quality = parameters.find(parameter => parameter.startsWith('q='))
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
  const qualityOf = (wanted: string) =>
    [wanted, wanted.replace(/\/.*/, '/*'), '*/*']
      .flatMap(type => ranges.find(range => range.type === type) ?? [])
      .at(0)?.quality ?? 0
  return qualityOf(OPEN_METRICS) >= qualityOf(CLASSIC)
}
