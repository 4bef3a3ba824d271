import assert from 'node:assert/strict'
import type { JobEvent } from '../../../src/queue/job'
import type { RelayedMail } from './chaos-relays'
import type { SeenCall } from './chaos-ses'
import { type Evidence, faultsOf, type RecordedJob } from './chaos-verdict'

const RECIPIENT = 'unknown-1@yours.example'

function mail(change: Partial<RelayedMail> = {}): RelayedMail {
  return {
    sesId: 'a1',
    region: 'eu-west-1',
    recipients: [RECIPIENT],
    accepted: true,
    replies: ['250 Message accepted by policy'],
    ...change,
  }
}

function call(number: number, atMs: number, outcome: Partial<SeenCall['outcome']> = {}): SeenCall {
  return {
    number,
    region: 'eu-west-1',
    sesId: 'a1',
    recipients: [RECIPIENT],
    atMs,
    lagMs: 0,
    wallMs: atMs,
    outcome: { status: 200, messageId: `m${number}`, carriedOut: true, ...outcome },
  }
}

function job(change: Partial<RecordedJob> = {}): RecordedJob {
  return {
    id: 'j1',
    state: 'sent',
    region: 'eu-west-1',
    sesId: 'a1',
    sender: 'someone@origin.example',
    bounceSender: 'mailer-daemon@yours.example',
    reportingMta: 'dns; mx.yours.example',
    receivedAtMs: 0,
    deadlineMs: 0,
    createdAtMs: 0,
    changedAtMs: 0,
    notBeforeMs: 0,
    tries: 1,
    unknownTries: 0,
    interruptions: 0,
    messageId: 'm1',
    recipients: [
      {
        address: RECIPIENT,
        bounceType: 'DoesNotExist',
        status: '5.1.1',
        diagnostic: '',
        rule: 'unknown',
        addedAtMs: 0,
      },
    ],
    history: [event(0, 'queued'), event(900, 'claimed'), event(1100, 'sent')],
    ...change,
  }
}

function event(atMs: number, what: JobEvent['what'], detail = ''): JobEvent {
  return { atMs, what, detail }
}

/** One mail, one bounce. */
function evidence(change: Partial<Evidence> = {}): Evidence {
  return {
    intervalMs: 1000,
    mails: [mail()],
    calls: [call(1, 1000)],
    jobs: [job()],
    harms: [],
    delivered: [],
    complaints: [],
    integrity: ['ok'],
    left: [],
    ...change,
  }
}

/** Made twice, as its dispatcher died during the first call. */
const TWICE: Partial<Evidence> = {
  calls: [call(1, 1000), call(2, 3000)],
  jobs: [
    job({
      messageId: 'm2',
      history: [
        event(0, 'queued'),
        event(900, 'claimed'),
        event(1500, 'interrupted'),
        event(1500, 'retry'),
        event(2900, 'claimed'),
        event(3100, 'sent'),
      ],
    }),
  ],
}

const GUILTY: Record<string, { change: Partial<Evidence>; finds: RegExp }> = {
  'a mail that was taken and has no job': { change: { jobs: [] }, finds: /has no job/ },
  'a bounce that SES never made': { change: { calls: [] }, finds: /SES knows nothing/ },
  'a bounce of which another was made': {
    change: { jobs: [job({ messageId: 'm7' })] },
    finds: /SES knows nothing/,
  },
  'a job that waits for ever': { change: { jobs: [job({ state: 'queued' })] }, finds: /ended as queued/ },
  'a job that failed for no reason': { change: { jobs: [job({ state: 'failed' })] }, finds: /the reason ""/ },
  'a mail that was refused for good': {
    change: { mails: [mail({ accepted: false, replies: ['550 No such mailbox'] })] },
    finds: /refused for good/,
  },
  'a mail that was never answered': {
    change: { mails: [mail({ accepted: false, replies: [] })] },
    finds: /never answered/,
  },
  'a delivery that the policy refuses': {
    change: { delivered: [{ sesId: 'a1', to: [RECIPIENT] }] },
    finds: /was delivered/,
  },
  'a delivery that never came': {
    change: { mails: [mail({ recipients: [RECIPIENT, 'friend-1@yours.example'] })] },
    finds: /never delivered/,
  },
  'a second bounce without an interruption': {
    change: { calls: [call(1, 1000), call(2, 3000)] },
    finds: /2 bounces \(calls 1, 2\) where at most 1/,
  },
  'an interruption that nobody caused': { change: TWICE, finds: /interrupted at 1500 .* nobody did it/ },
  'an interruption by an attack at another time': {
    change: { ...TWICE, harms: [{ what: 'kill', fromMs: 2500, toMs: 2500 }] },
    finds: /nobody did it/,
  },
  'an unknown outcome where SES answered': {
    change: {
      jobs: [job({ history: [event(900, 'claimed'), event(1100, 'unknown outcome'), event(3100, 'sent')] })],
    },
    finds: /unknown outcome at 1100 .* nobody did it/,
  },
  'a call too soon after another': {
    change: { calls: [call(1, 1000), call(2, 1999, { carriedOut: false })] },
    finds: /999\.0 ms after the one before/,
  },
  'a call too soon whatever the emulator was late by': {
    change: { calls: [{ ...call(1, 1000), lagMs: 50 }, call(2, 1900, { carriedOut: false })] },
    finds: /at most 950\.0/,
  },
  'a call by one whose turn was over': {
    change: {
      ...TWICE,
      harms: [{ what: 'stop', fromMs: 950, toMs: 5000 }],
      calls: [call(2, 3000), call(3, 5000)],
    },
    finds: /^call 3 for a1 came at 5000, when it was nobody's turn/,
  },
  'a call that nobody asked for': {
    change: { calls: [call(1, 1000), { ...call(2, 3000), sesId: 'b2' }] },
    finds: /call 2 is for a mail that nobody sent/,
  },
  'a call for a stranger': {
    change: { calls: [{ ...call(1, 1000), recipients: [RECIPIENT, 'friend-1@yours.example'] }] },
    finds: /call 1 is for friend-1/,
  },
  'a complaint in the log': {
    change: { complaints: ['[CRIT] boom'] },
    finds: /nobody caught: \[CRIT\] boom/,
  },
  'a damaged file': { change: { integrity: ['row 3 missing'] }, finds: /damaged: row 3 missing/ },
  'a process that stays': { change: { left: ['7 node'] }, finds: /a process is left: 7 node/ },
}

const INNOCENT: Record<string, Partial<Evidence>> = {
  'one bounce for one mail': {},
  'a second bounce after a kill during the first call': {
    ...TWICE,
    harms: [{ what: 'kill', fromMs: 1050, toMs: 1050 }],
  },
  'a second bounce after a stop during the first call': {
    ...TWICE,
    harms: [{ what: 'stop', fromMs: 950, toMs: 9000 }],
  },
  'a second bounce after a fault of SES that leaves it open': {
    calls: [call(1, 1000, { fault: 'reset', status: 0 }), call(2, 3000)],
    jobs: [
      job({
        messageId: 'm2',
        history: [event(900, 'claimed'), event(1100, 'unknown outcome'), event(2900, 'claimed')],
      }),
    ],
  },
  'a bounce that failed for a stated reason': {
    calls: [call(1, 1000, { status: 400, carriedOut: false })],
    jobs: [job({ state: 'failed', reason: '400 MessageRejected: No such message.' })],
  },
  'a mail whose bounce had failed before the relay heard of it': {
    mails: [
      mail({
        accepted: false,
        replies: ['550 5.1.1 No such mailbox (not bounced: its bounce has failed already, as job j1)'],
      }),
    ],
  },
  'calls in two regions at once': {
    calls: [call(1, 1000), { ...call(2, 1000, { carriedOut: false }), region: 'us-east-1' }],
  },
}

describe('the verdict on a chaos test', () => {
  for (const [what, { change, finds }] of Object.entries(GUILTY)) {
    it(`finds ${what}`, () => assert.match(faultsOf(evidence(change)).join('\n'), finds))
  }
  for (const [what, change] of Object.entries(INNOCENT)) {
    it(`finds nothing wrong with ${what}`, () => assert.deepEqual(faultsOf(evidence(change)), []))
  }
  it('lets one attack explain one interruption in each region, and no more', () => {
    const [first] = TWICE.jobs ?? []
    assert.ok(first)
    const jobs = [first, { ...first, id: 'j2' }, { ...first, id: 'j3', region: 'us-east-1' }]
    const faults = faultsOf(evidence({ ...TWICE, jobs, harms: [{ what: 'kill', fromMs: 1050, toMs: 1050 }] }))
    assert.equal(faults.length, 1)
    assert.match(faults[0] ?? '', /job j2 .* nobody did it/)
  })
})
