// The text of a scrape: in both formats, of the store's contents, and nothing that isn't in the table.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { CallCounts } from '../../src/dispatch/call-counts'
import { QueueError } from '../../src/errors'
import { type MetricsContext, metricsRoute, scrape, wantsOpenMetrics } from '../../src/http/metrics'
import { labelLines, METRICS, type Metric, metricLines } from '../../src/http/metrics-table'
import { COUNTED } from '../../src/queue/counters'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import {
  openCounterStore,
  openDispatcherQueue,
  openOperatorQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteQueueReader,
} from '../../src/queue/sqlite/open'
import { SETTINGS } from '../policy/support'
import { request, takeLead, temporaryFolder } from '../queue/support'
import { type Family, readOpenMetrics } from './open-metrics'
import { bearer, serveRoutes, servingContext } from './support'

const root = path.join(__dirname, '../..')
const NOW_MS = 1_740_000_000_000
const HOSTILE = 'a "rule"\\ with\nlines, {braces} and \u202e a mark'
const RULES: ReturnType<MetricsContext['activeConfig']>['policy']['rules'] = [
  { name: 'never yet', mode: 'enforce', outcome: { action: 'drop' } },
  { name: 'tried out', mode: 'observe', outcome: { action: 'bounce' } },
]
/** Debian: the package prometheus. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0

describe('metrics', () => {
  let file: string
  let reader: SqliteQueueReader
  let remove: () => void
  let context: MetricsContext

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    openWorkerQueue(file, { create: true }).close()
    reader = openQueueReader(file)
    context = {
      activeConfig: () => ({ settings: SETTINGS, policy: { rules: RULES } }),
      operator: () => reader,
      surges: () => [
        {
          by: 'rcpt-ldap',
          stage: 'rcpt',
          since: '2026-01-01T00:00:00Z',
          share: '20 of the last 20 recipients',
        },
      ],
      host: undefined,
      configDigest: () => '0123456789ab',
      nowMs: () => NOW_MS,
      nowMonoMs: () => 100_000,
    }
  })
  afterEach(() => {
    reader.close()
    remove()
  })

  /** Something of everything. */
  function fill(): void {
    const metricsBuffer = new MetricsBuffer()
    metricsBuffer.count(COUNTED.inspected, {}, 7)
    metricsBuffer.count(COUNTED.decisions, { rule: HOSTILE, action: 'bounce', mode: 'enforce' }, 3)
    metricsBuffer.count(COUNTED.fallbacks, { reason: 'unsafe', action: 'quarantine', mode: 'enforce' }, 2)
    const calls = new CallCounts(metricsBuffer)
    for (const ms of [3, 30, 30, 750, 99_000]) calls.called('eu-west-1', 'sent', ms)
    calls.called('eu-west-1', 'throttled', 40)
    calls.ended('eu-west-1', 'sent')
    metricsBuffer.reloaded({ atMs: NOW_MS - 5000, state: 'first', errors: [] })
    metricsBuffer.reloaded({ atMs: NOW_MS, state: 'then', errors: ['wrong'] })
    const store = openCounterStore(file)
    metricsBuffer.flushTo(counted => store.add(counted))
    store.close()
    const worker = openWorkerQueue(file)
    worker.add([request({ deadlineMs: NOW_MS + 90_000 }), request({ deadlineMs: NOW_MS + 30_000 })], NOW_MS)
    worker.close()
    const operator = openOperatorQueue(file)
    operator.pause('eu-west-1', NOW_MS)
    operator.close()
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher, 80_000)
    dispatcher.close()
  }

  const text = async (accept?: string) => String((await scrape(accept, context)).body)

  it('of an empty store are there already, so that the first of each is an increase', async () => {
    const families = readOpenMetrics(await text())
    assert.deepEqual(valuesOf(families, 'ses_bounce_mails_inspected'), { '': 0 })
    assert.deepEqual(valuesOf(families, 'ses_bounce_config_reloads'), { taken: 0, refused: 0 })
    assert.deepEqual(valuesOf(families, 'ses_bounce_decisions'), {
      'never yet drop enforce': 0,
      'tried out bounce observe': 0,
    })
    assert.deepEqual(valuesOf(families, 'ses_bounce_dispatcher_up'), { '': 0 })
    assert.deepEqual(valuesOf(families, 'ses_bounce_config_last_reload_successful'), { '': 1 })
  })

  it('say when the queue is drained, and how many jobs will be too late, once nothing stands in the way', async () => {
    fill()
    const operator = openOperatorQueue(file)
    operator.resume(undefined)
    operator.close()
    const families = readOpenMetrics(await text())
    const dispatching = valuesOf(families, 'ses_bounce_dispatcher_up')['']
    assert.equal(dispatching, 1)
    assert.deepEqual(valuesOf(families, 'ses_bounce_queue_drain_seconds'), { 'eu-west-1': 1.005 })
    assert.deepEqual(valuesOf(families, 'ses_bounce_jobs_missing_window'), { 'eu-west-1': 1 })
  })

  it('say what the store holds', async () => {
    fill()
    const families = readOpenMetrics(await text())
    const values = (name: string) => valuesOf(families, `ses_bounce_${name}`)
    assert.deepEqual(values('mails_inspected'), { '': 7 })
    assert.equal(values('fallbacks')['unsafe quarantine enforce'], 2)
    assert.equal(values('fallbacks')['overload reject enforce'], 0)
    assert.deepEqual(values('jobs'), {
      'eu-west-1 queued': 2,
      'eu-west-1 sending': 0,
      'eu-west-1 sent': 0,
      'eu-west-1 failed': 0,
      'eu-west-1 expired': 0,
      'eu-west-1 held': 0,
      'eu-west-1 cancelled': 0,
    })
    assert.equal(values('jobs_ended')['eu-west-1 sent'], 1)
    assert.deepEqual(values('next_deadline_seconds'), { 'eu-west-1': 30 })
    // paused
    assert.deepEqual(values('queue_drain_seconds'), {})
    assert.deepEqual(values('jobs_missing_window'), { 'eu-west-1': 2 })
    assert.deepEqual(values('call_interval_seconds'), { 'eu-west-1': 1.005 })
    assert.equal(values('calls')['eu-west-1 sent'], 5)
    assert.equal(values('calls')['eu-west-1 throttled'], 1)
    assert.equal(values('calls')['eu-west-1 blocked'], 0)
    assert.deepEqual(values('paused'), { 'eu-west-1': 1 })
    assert.deepEqual(values('dispatcher_up'), { '': 1 })
    assert.deepEqual(values('config_last_reload_successful'), { '': 0 })
    assert.deepEqual(values('config_last_reload_success_timestamp_seconds'), { '': NOW_MS / 1000 - 5 })
    const duration = families.find(({ name }) => name === 'ses_bounce_call_duration_seconds')
    const bucket = (le: string) => duration?.samples.find(({ labels }) => labels['le'] === le)?.value
    assert.deepEqual(['0.025', '0.05', '0.5', '1', '30', '+Inf'].map(bucket), [1, 4, 4, 5, 5, 6])
    assert.equal(duration?.samples.find(({ name }) => name.endsWith('_sum'))?.value.toFixed(3), '99.853')
  })

  it('keep the name of a rule within its quotes, whatever it is', async () => {
    fill()
    const decisions = readOpenMetrics(await text()).find(({ name }) => name === 'ses_bounce_decisions')
    assert.deepEqual(decisions?.samples.slice(RULES.length), [
      {
        name: COUNTED.decisions,
        labels: {
          rule: 'a "rule"\\ with\\u000alines, {braces} and \\u202e a mark',
          action: 'bounce',
          mode: 'enforce',
        },
        value: 3,
      },
    ])
  })

  it('have no more regions than there could be, however many are made up', async () => {
    const worker = openWorkerQueue(file)
    const names = Array.from(
      { length: 300 },
      (_, n) => `eu-made${'abcdefghij'[n % 10]}-${Math.floor(n / 10)}`,
    )
    const made = names.map(region => request({ region, deadlineMs: NOW_MS + 90_000 }))
    worker.add([...made, request({ region: 'us-west-2' }), request({ region: 'us-west-2' })], NOW_MS)
    worker.close()
    const families = readOpenMetrics(await text())
    const regions = new Set(
      families.flatMap(({ samples }) => samples.flatMap(({ labels }) => labels['region'] ?? [])),
    )
    assert.equal(regions.size, 101)
    const jobs = valuesOf(families, 'ses_bounce_jobs')
    assert.deepEqual([jobs['us-west-2 queued'], jobs['other queued']], [2, 201])
  })

  it('count a dispatcher as dead when its last heartbeat is more than 30 s old', async () => {
    fill()
    context.nowMonoMs = () => 110_001
    assert.deepEqual(valuesOf(readOpenMetrics(await text()), 'ses_bounce_dispatcher_up'), { '': 0 })
  })

  it('are exactly those of the table, with the labels that it names', async () => {
    fill()
    const families = readOpenMetrics(await text())
    const table = Object.values<Metric>(METRICS)
    assert.deepEqual(
      families.map(({ name, type, help }) => [type === 'counter' ? `${name}_total` : name, type, help]),
      table.map(({ name, type, help }) => [name, type, help]),
    )
    for (const [index, { samples, name }] of families.entries()) {
      const own = (table[index]?.labels ?? []) as readonly string[]
      for (const { labels } of samples) {
        const names = Object.keys(labels).filter(label => label !== 'le')
        assert.deepEqual(names.toSorted(), own.toSorted(), name)
      }
    }
  })

  it('are listed in docs/monitoring.md as the table has them', () => {
    const page = readFileSync(path.join(root, 'docs/monitoring.md'), 'utf8')
    for (const lines of [metricLines(), labelLines()]) {
      assert.ok(page.includes(`\n\n${lines.join('\n')}\n`), `the page is to say:\n${lines.join('\n')}`)
    }
  })

  it('come in the classic format to clients that prefer it, and in OpenMetrics to all others', async () => {
    for (const accept of [
      undefined,
      '*/*',
      'text/html',
      'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2',
    ]) {
      assert.equal(wantsOpenMetrics(accept), true, accept)
    }
    for (const accept of [
      'text/plain',
      'text/*;q=0.9, application/openmetrics-text;q=0.1',
      'text/plain;version=0.0.4;q=0.5',
    ]) {
      assert.equal(wantsOpenMetrics(accept), false, accept)
    }
    const open = await scrape(undefined, context)
    assert.match(open.headers?.['Content-Type'] ?? '', /^application\/openmetrics-text; version=1\.0\.0/)
    const classic = await scrape('text/plain', context)
    assert.match(classic.headers?.['Content-Type'] ?? '', /^text\/plain; version=0\.0\.4/)
    assert.match(
      String(classic.body),
      /^# TYPE ses_bounce_mails_inspected_total counter\nses_bounce_mails_inspected_total 0$/m,
    )
  })

  it('pass promtool check metrics', async function () {
    if (!hasPromtool) this.skip()
    fill()
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await text('text/plain'),
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout + stderr)
  })

  it('want the token, as the API does, and say 503 while the store fails', async () => {
    const served = await serveRoutes([metricsRoute(context)], log => servingContext(log))
    const ask = (headers: Record<string, string>) => fetch(`${served.url}/metrics`, { headers })
    try {
      assert.equal((await ask({})).status, 401)
      const answer = await ask(bearer)
      assert.equal(answer.status, 200)
      readOpenMetrics(await answer.text())
    } finally {
      await served.close()
    }
    const fails = () => {
      throw new QueueError('QUEUE_BUSY', '/secret/place: busy')
    }
    const broken = await serveRoutes([metricsRoute({ ...context, operator: fails })], log =>
      servingContext(log),
    )
    try {
      const answer = await fetch(`${broken.url}/metrics`, { headers: bearer })
      assert.equal(answer.status, 503)
      assert.doesNotMatch(await answer.text(), /secret/)
    } finally {
      await broken.close()
    }
  })
})

describe('docs/alerts.yml', () => {
  const rules = readFileSync(path.join(root, 'docs/alerts.yml'), 'utf8')

  it('rests on metrics that are served, and on their labels', () => {
    const served = new Set(
      Object.values<Metric>(METRICS).flatMap(({ name, type }) =>
        type === 'histogram' ? ['bucket', 'sum', 'count'].map(part => `${name}_${part}`) : [name],
      ),
    )
    const used = [...rules.matchAll(/\bses_bounce_\w+/g)].map(([name]) => name)
    assert.ok(used.length > 5)
    assert.deepEqual(
      used.filter(name => !served.has(name)),
      [],
    )
  })

  it('passes promtool check rules', function () {
    if (!hasPromtool) this.skip()
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', 'docs/alerts.yml'], {
      cwd: root,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout + stderr)
  })

  it('does what its own tests say', function () {
    if (!hasPromtool) this.skip()
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'alerts.promtool.yml'], {
      cwd: __dirname,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout + stderr)
  })
})

/** Values by those of the labels, in the order of the table. */
function valuesOf(families: readonly Family[], name: string): Record<string, number> {
  const family = families.find(family => family.name === name)
  assert.ok(family, `${name} is there`)
  const labels =
    Object.values<Metric>(METRICS).find(row => row.name.replace(/_total$/, '') === name)?.labels ?? []
  return Object.fromEntries(
    family.samples.map(sample => [labels.map(label => sample.labels[label]).join(' '), sample.value]),
  )
}
