// The status page and the metrics of hosts that share a queue.

import assert from 'node:assert/strict'
import { samplesOf } from '../../src/http/metrics-samples'
import type { View } from '../../src/http/page-layout'
import { type Status, statusSection } from '../../src/http/page-summary'
import { COUNTED } from '../../src/queue/counters'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import type { HostStats, QueueStats } from '../../src/queue/stats'
import { StoreCounts } from '../../src/queue/store-counts'
import { verdictOf } from '../../src/queue/verdict'

const host = (name: string, changes: Partial<HostStats> = {}): HostStats => ({
  id: name,
  name,
  version: '1.0.0',
  config: '111',
  startedMs: 0,
  seenMs: 0,
  silentMs: 3000,
  skewMs: 40,
  ...changes,
})

const STATS: QueueStats = {
  states: { queued: 0, sending: 0, sent: 0, failed: 0, expired: 0, held: 0, cancelled: 0 },
  jobs: [],
  regions: [],
  pauses: [],
  blocked: [],
  silentMs: 500,
  mail: { kept: { bytes: 0, mails: 0 }, quarantine: { bytes: 0, mails: 0 } },
  reload: { isRefused: false },
  leader: { term: 42, host: 'web-1' },
  hosts: [host('web-1'), host('web-2'), host('web-0', { silentMs: 3_600_000, config: '999' })],
}

function statusOf(stats: QueueStats): Status {
  const settings = { isIdle: false, isObserving: false, endpoint: 'aws', spacingMs: 1000 } as const
  const verdict = verdictOf(stats, settings, 0)
  return {
    stats,
    lost: 0,
    mailLimitBytes: 1,
    relayWarnings: [],
    surges: [],
    verdict,
  }
}

describe('the status page of a queue that hosts share', () => {
  const page = (changes: Partial<QueueStats>, isTrusted = true) => {
    const view = { isTrusted, nowMs: 0 } as View
    const stats = { ...STATS, ...changes }
    const status = statusOf(stats)
    return statusSection(view, status).text
  }

  it('says who leads and who else is there, with the token', () => {
    assert.match(page({}), /All is well/)
    assert.match(page({}), /web-1 leads, term 42; also here: web-2\./)
    const { leader: _leader, hosts: _hosts, ...alone } = STATS
    assert.doesNotMatch(statusSection({ isTrusted: true, nowMs: 0 } as View, statusOf(alone)).text, /leads/)
  })

  it('names no host without the token', () => {
    const text = page({ hosts: [host('web-1'), host('web-2', { config: '222' })] }, false)
    assert.doesNotMatch(text, /web-/)
    assert.match(text, /Hosts that share the queue: 2\./)
  })

  it('warns of a host with other files, and of a wrong clock', () => {
    const text = page({
      hosts: [host('web-1'), host('web-2', { config: '222' }), host('<b>', { skewMs: -3_600_000 })],
    })
    assert.match(text, /Host web-2 has another configuration than the host that leads/)
    assert.match(text, /The clock of host &lt;b&gt; is 1h behind the queue's, which counts/)
    assert.doesNotMatch(text, /Host web-1 has/)
  })

  it('says that nothing is sent where no host has led yet', () => {
    const { silentMs: _silentMs, ...silent } = STATS
    const text = page({ ...silent, leader: { term: 0 }, silentMs: Number.POSITIVE_INFINITY })
    assert.match(text, /Stopped: no dispatcher has run</)
    assert.match(text, /No host leads; also here: web-1, web-2\./)
  })
})

describe('the metrics of a host that shares its queue', () => {
  const samples = (name: string, changes: Partial<QueueStats> = {}) => {
    const buffer = new MetricsBuffer()
    const counts = new StoreCounts(buffer)
    for (const ms of [0.4, 3, 3, 20_000]) counts.answered('look', ms)
    counts.answered('settle', 2)
    counts.answered('add_counts', 2)
    counts.failed('QUEUE_UNREACHABLE')
    let sums: Parameters<typeof samplesOf>[0]['sums'] = []
    buffer.flushTo(counted => {
      sums = counted.sums
    })
    const found = {
      ...STATS,
      ...changes,
      sums,
      mailLimitBytes: 1,
      surges: [],
      host: name,
      configDigest: 'abc',
    }
    return samplesOf(found, 0, {}, [])
  }

  it('say whether it leads, the term, how many are there, and its own clock', () => {
    const leads = samples('web-1')
    assert.deepEqual(
      [leads.leader, leads.term, leads.hosts, leads.clockSkew].map(([one]) => one?.value),
      [1, 42, 2, 0.04],
    )
    assert.equal(samples('web-2').leader[0]?.value, 0)
    assert.equal(samples('web-1', { leader: { term: 43 } }).leader[0]?.value, 0)
    assert.deepEqual(leads.configInfo, [{ labels: { digest: 'abc' }, value: 1 }])
  })

  it('have the durations of its statements by what they do, and its faults by their cause', () => {
    const { storeDuration, storeFaults } = samples('web-1')
    const value = (op: string, metricName: string, le?: string) =>
      storeDuration.find(
        one => one.labels['op'] === op && one.metricName === metricName && one.labels['le'] === le,
      )?.value
    assert.equal(value('look', COUNTED.storeBuckets, '0.001'), 1)
    assert.equal(value('look', COUNTED.storeBuckets, '0.005'), 3)
    assert.equal(value('look', COUNTED.storeBuckets, '10'), 3)
    assert.equal(value('look', COUNTED.storeBuckets, '+Inf'), 4)
    assert.equal(value('look', 'ses_bounce_store_duration_seconds_count'), 4)
    assert.ok(Math.abs((value('look', COUNTED.storeSum) ?? 0) - 20.0064) < 1e-9)
    // else each flush would be a reason for the next one
    assert.equal(value('add_counts', COUNTED.storeSum), undefined)
    assert.deepEqual(storeFaults.at(-1), { labels: { cause: 'unreachable' }, value: 1 })
  })

  it('are absent where the queue is a file', () => {
    const { leader: _leader, hosts: _hosts, ...alone } = STATS
    const found = { ...alone, sums: [], mailLimitBytes: 1, surges: [], configDigest: 'abc' }
    const { leader, term, hosts, clockSkew, storeDuration, storeFaults } = samplesOf(found, 0, {}, [])
    assert.deepEqual([leader, term, hosts, clockSkew, storeDuration, storeFaults].flat(), [])
  })
})
