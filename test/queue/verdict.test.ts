// The verdict on whether bounces go out: what it says of each trouble, and that it never says less.

import assert from 'node:assert/strict'
import { failureKind } from '../../src/queue/call-failure'
import type { QueueStats, RegionStats } from '../../src/queue/stats'
import { idleVerdict, unusableQueue, verdictOf } from '../../src/queue/verdict'
import type { VerdictSettings } from '../../src/queue/verdict-reasons'

const NOW_MS = Date.UTC(2025, 0, 1, 4)
const AT_0312 = Date.UTC(2025, 0, 1, 3, 12, 5)

const lane = (region: string, changes: Partial<RegionStats> = {}): RegionStats => ({
  region,
  spacingMs: 1005,
  jobMs: 1005,
  queued: 3,
  sending: 0,
  held: 0,
  later: 3,
  lastMinute: { calls: 0, sent: 0, throttled: 0 },
  drainMs: 3000,
  willMiss: 0,
  ...changes,
})

const STATS: QueueStats = {
  states: { queued: 3, sending: 0, sent: 0, failed: 0, expired: 0, held: 0, cancelled: 0 },
  jobs: [],
  regions: [lane('eu-west-1')],
  pauses: [],
  blocked: [],
  failing: [],
  silentMs: 500,
  mail: { kept: { bytes: 0, mails: 0 }, quarantine: { bytes: 0, mails: 0 } },
  reload: { isRefused: false },
}
const SETTINGS: VerdictSettings = { isIdle: false, isObserving: false, endpoint: 'aws', spacingMs: 1005 }

const of = (stats: Partial<QueueStats>, settings: Partial<VerdictSettings> = {}) =>
  verdictOf({ ...STATS, ...stats }, { ...SETTINGS, ...settings }, NOW_MS)

const failing = (detail: string, region = 'eu-west-1') => ({
  region,
  sinceMs: AT_0312,
  lastMs: NOW_MS - 20_000,
  nextTryMs: NOW_MS + 38_000,
  detail,
})
const blocked = (why: string, bounceSender?: string) => ({
  region: 'eu-west-1',
  nextTryMs: NOW_MS + 20_000,
  why,
  ...(bounceSender !== undefined && { bounceSender }),
})

describe('the verdict', () => {
  it('says no more than Sending while bounces go out', () => {
    const { state, line, isSending, reasons, lanes } = of({})
    assert.deepEqual([state, line, isSending, reasons], ['sending', 'Sending', true, []])
    assert.deepEqual(lanes, [{ lane: 'eu-west-1', isSending: true }])
  })

  const REFUSED = 'Error: connect ECONNREFUSED 127.0.0.1:9'
  const { drainMs: _open, ...FAILING } = lane('eu-west-1')
  const STOPPED = { ...FAILING, isStopped: true as const }
  const { nextTryMs: _none, ...UNANSWERED } = failing(
    'the outcome of 3 calls is unknown, the last: TimeoutError: no answer within 10000 ms',
  )
  const CREDENTIALS = 'CredentialsProviderError: Could not load credentials from any providers'
  for (const [what, stats, line, isSending] of [
    [
      'SES that is not reached',
      { failing: [failing(REFUSED)] },
      'Degraded: SES unreachable since 03:12 UTC, next try in 38 s',
      false,
    ],
    [
      'a call without an answer',
      { failing: [failing('TimeoutError: no answer within 10000 ms')] },
      'Degraded: SES unreachable since 03:12 UTC, next try in 38 s',
      false,
    ],
    [
      'answers with errors',
      { failing: [failing('503 ServiceUnavailable: try later')] },
      'Degraded: SES answers with errors since 03:12 UTC, next try in 38 s',
      false,
    ],
    [
      'a role without credentials for now',
      { failing: [failing('account second: STS gave no credentials: 503 ServiceUnavailable: later')] },
      'Degraded: no AWS credentials since 03:12 UTC, next try in 38 s',
      false,
    ],
    [
      'missing credentials',
      { blocked: [blocked(CREDENTIALS)] },
      'Stopped: no AWS credentials, next try in 20 s',
      false,
    ],
    [
      'a role that is refused',
      { blocked: [blocked("account second: its role can't be assumed: 403 AccessDenied: no")] },
      'Stopped: no AWS credentials, next try in 20 s',
      false,
    ],
    [
      'a region that SES refuses',
      { blocked: [blocked('403 AccessDenied: no')] },
      "Stopped: SES doesn't accept anything, next try in 20 s",
      false,
    ],
    [
      'a bounce sender that SES refuses',
      { blocked: [blocked('400 MessageRejected: not verified', 'a@yours.example')] },
      "Degraded: SES doesn't accept bounces of a bounce sender, next try in 20 s",
      false,
    ],
    [
      'a pause of every region',
      { pauses: [{ sinceMs: AT_0312 }] },
      'Stopped: paused by hand since 03:12 UTC',
      false,
    ],
    [
      'a pause of the only region, long ago',
      { pauses: [{ region: 'eu-west-1', sinceMs: AT_0312 - 86_400_000 }] },
      'Stopped: paused by hand in eu-west-1 since 2024-12-31 03:12 UTC',
      false,
    ],
    [
      'a dispatcher that is silent',
      { silentMs: 31_000 },
      'Stopped: no dispatcher runs: no heartbeat for 31 s',
      false,
    ],
    [
      'thousands of held jobs',
      { regions: [lane('eu-west-1', { held: 12_345, queued: 1 })] },
      'Degraded: 12,345 jobs are held until somebody retries or cancels them',
      true,
    ],
    [
      'a dispatcher that is silent for some minutes',
      { silentMs: 206_000 },
      'Stopped: no dispatcher runs: no heartbeat for 3 min',
      false,
    ],
    [
      'throttled calls, some of which pass',
      { regions: [lane('eu-west-1', { spacingMs: 4000, lastMinute: { calls: 9, sent: 8, throttled: 1 } })] },
      'Degraded: SES throttles the calls: one call every 4.0 s',
      true,
    ],
    [
      'throttled calls, none of which passes',
      { regions: [lane('eu-west-1', { lastMinute: { calls: 9, sent: 0, throttled: 9 } })] },
      'Degraded: SES throttles the calls',
      false,
    ],
    [
      'jobs that will be too late',
      { regions: [lane('eu-west-1', { willMiss: 2 })] },
      'Degraded: 2 waiting jobs will miss their deadline at this pace',
      true,
    ],
    [
      'jobs of a pause, all of which will be too late unless it ends',
      {
        pauses: [{ sinceMs: AT_0312 }],
        regions: [{ ...STOPPED, region: 'eu-west-1', willMiss: 3 }],
      },
      'Stopped: paused by hand since 03:12 UTC; 3 waiting jobs will miss their deadline unless somebody acts',
      false,
    ],
    [
      'jobs that an outage makes late',
      { failing: [failing(REFUSED)], regions: [{ ...FAILING, region: 'eu-west-1', willMiss: 1 }] },
      'Degraded: SES unreachable since 03:12 UTC, next try in 38 s; 1 waiting job will miss its deadline as things are',
      false,
    ],
    [
      'a lane all of whose jobs are held by hand',
      { regions: [lane('eu-west-1', { queued: 0, later: 0, held: 2 })] },
      'Degraded: 2 jobs are held until somebody retries or cancels them, and no other waits',
      true,
    ],
    [
      'a lane one of whose jobs is held',
      { regions: [lane('eu-west-1', { held: 1 })] },
      'Degraded: 1 job is held until somebody retries or cancels it',
      true,
    ],
    [
      'a lane whose calls had no answer until all of its jobs were held',
      {
        failing: [UNANSWERED],
        regions: [lane('eu-west-1', { queued: 0, later: 0, held: 1 })],
      },
      'Degraded: SES unreachable since 03:12 UTC, no job waits for a next try; and 1 more reason',
      false,
    ],
    [
      'files with errors',
      { reload: { isRefused: true } },
      'Degraded: the configuration has errors; the previous one is in force',
      true,
    ],
  ] as const satisfies readonly (readonly [string, Partial<QueueStats>, string, boolean])[]) {
    it(`tells of ${what}`, () => {
      const verdict = of(stats)
      assert.deepEqual([verdict.line, verdict.isSending], [line, isSending])
    })
  }

  it('has a reason for each trouble, the worst first, and tells of each lane', () => {
    const { line, reasons, lanes } = of({
      regions: [lane('eu-west-1'), lane('us-east-1'), lane('us-west-2')],
      failing: [failing(REFUSED, 'us-east-1'), failing(REFUSED)],
      pauses: [{ region: 'eu-west-1', sinceMs: AT_0312 }],
      reload: { isRefused: true },
    })
    assert.deepEqual(
      reasons.map(({ kind, lane: of }) => [kind, of]),
      [
        ['paused', 'eu-west-1'],
        ['unreachable', 'us-east-1'],
        ['configuration_refused', undefined],
      ],
    )
    assert.match(line, /^Degraded: paused by hand in eu-west-1 .*; and 2 more reasons$/)
    assert.deepEqual(
      lanes.filter(({ isSending }) => isSending).map(({ lane: name }) => name),
      ['us-west-2'],
    )
  })

  it('notes observation and another server than SES, and stays Sending for the latter', () => {
    const observing = of({}, { isObserving: true })
    assert.deepEqual([observing.state, observing.isSending], ['observing', true])
    const emulator = of({}, { endpoint: 'emulator' })
    assert.deepEqual([emulator.line, emulator.reasons.map(({ kind }) => kind)], ['Sending', ['emulator']])
  })

  it('never says Sending of an idle plugin or an unusable queue', () => {
    for (const one of [of({ silentMs: 500 }, { isIdle: true }), idleVerdict(), unusableQueue('QUEUE_FULL')])
      assert.ok(!one.isSending && one.line !== 'Sending', one.line)
  })

  it('never says that SES has answered where it was not asked', () => {
    for (const text of [
      REFUSED,
      CREDENTIALS,
      'TimeoutError: 503 ',
      'no [account.NAME] has a role in account 1',
    ])
      assert.notEqual(failureKind(text), 'answered', text)
  })
})
