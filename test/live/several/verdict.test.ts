// The verdict on made-up histories: each fault is found, and an explained one is none.

import assert from 'node:assert/strict'
import type { JobEvent } from '../../../src/queue/job'
import type { SeenCall } from '../support/chaos-ses'
import type { RecordedJob } from '../support/chaos-verdict'
import type { History } from './history'
import type { SeveralMail } from './relay'
import { faultsOf } from './verdict'

const HOSTS = { '127.0.0.101': 'web-1', '127.0.0.102': 'web-2' }

function mail(change: Partial<SeveralMail> = {}): SeveralMail {
  return {
    sesId: 'a',
    sender: 'one@origin.example',
    recipient: 'user@yours.example',
    region: 'eu-west-1',
    told: [{ atMs: 100, tookMs: 10, host: 'web-1', reply: '250 Message accepted by policy' }],
    ...change,
  }
}

function job(id: string, change: Partial<RecordedJob> = {}): RecordedJob {
  return {
    id: `job-${id}`,
    state: 'sent',
    region: 'eu-west-1',
    sesId: id,
    sender: 'one@origin.example',
    bounceSender: 'mailer-daemon@yours.example',
    reportingMta: 'dns; mx.yours.example',
    receivedAtMs: 0,
    deadlineMs: 5000,
    createdAtMs: 90,
    changedAtMs: 1100,
    notBeforeMs: 0,
    tries: 1,
    unknownTries: 0,
    interruptions: 0,
    messageId: `m-${id}`,
    recipients: [],
    history: [event(90, 'queued'), event(900, 'claimed'), event(1100, 'sent')],
    ...change,
  }
}

function event(atMs: number, what: JobEvent['what']): JobEvent {
  return { atMs, what, detail: '' }
}

function call(sesId: string, atMs: number, number = 1): SeenCall {
  const outcome = { status: 200, messageId: `m-${sesId}`, carriedOut: true }
  return { number, region: 'eu-west-1', sesId, recipients: [], atMs, lagMs: 0, wallMs: atMs, outcome }
}

function begun(sesId: string, atMs: number, term = 1, address = '127.0.0.101') {
  return { jobId: `job-${sesId}`, sesId, claim: 1, address, term, leader: `web-${term}`, atMs }
}

const STEPS: History['steps'] = [
  { number: 1, jobId: 'job-a', what: 'added' },
  { number: 2, jobId: 'job-a', what: 'claimed' },
]

/** One mail, one bounce. */
const INNOCENT: History = {
  intervalMs: 300,
  timeoutMs: 1000,
  perSender: 2,
  hosts: HOSTS,
  mails: [mail()],
  calls: [call('a', 1000)],
  jobs: [job('a')],
  leads: [{ term: 1, host: 'web-1', atMs: 0 }],
  begun: [begun('a', 990)],
  steps: STEPS,
  harms: [],
  complaints: [],
  left: [],
}

/** Made twice, as the leader's host froze during the first call. */
const TWICE: Partial<History> = {
  leads: [...INNOCENT.leads, { term: 2, host: 'web-2', atMs: 9000 }],
  calls: [call('a', 1000), call('a', 70_000, 2)],
  begun: [begun('a', 990), begun('a', 69_990, 2, '127.0.0.102')],
  jobs: [
    job('a', {
      history: [
        event(90, 'queued'),
        event(900, 'claimed'),
        event(9000, 'interrupted'),
        event(69_900, 'claimed'),
        event(70_100, 'sent'),
      ],
    }),
  ],
}
const FROZEN = { what: 'stopped', fromMs: 995, toMs: 12_000 }

/** Two mails; the second one's deadline is sooner. */
const TWO: Partial<History> = {
  mails: [mail(), mail({ sesId: 'b', sender: 'two@origin.example' })],
  jobs: [job('a'), job('b', { sender: 'two@origin.example', deadlineMs: 4000 })],
  calls: [call('b', 1000), call('a', 1400, 2)],
  begun: [begun('b', 990), begun('a', 1390)],
  steps: [
    { number: 1, jobId: 'job-a', what: 'added' },
    { number: 2, jobId: 'job-b', what: 'added' },
    { number: 3, jobId: 'job-b', what: 'claimed' },
    { number: 4, jobId: 'job-a', what: 'claimed' },
  ],
}

const told = (atMs: number, reply: string | undefined) => ({ atMs, tookMs: 10, host: 'web-1', reply })
const LATER = told(20_000, '250 ok')

const GUILTY: Record<string, { change: Partial<History>; finds: RegExp }> = {
  'a mail that was accepted and has no job': { change: { jobs: [] }, finds: /has no job/ },
  'a mail that was refused for good': {
    change: { mails: [mail({ told: [told(100, '550 no')] })] },
    finds: /refused for good/,
  },
  'a mail that was never accepted': { change: { mails: [mail({ told: [] })] }, finds: /never answered/ },
  'a bounce that SES never made': {
    change: { calls: [], begun: [] },
    finds: /of which SES knows nothing/,
  },
  'a job that waits for ever': {
    change: { jobs: [job('a', { state: 'queued' })] },
    finds: /ended as queued/,
  },
  'a second bounce without an interruption': {
    change: { calls: [call('a', 1000), call('a', 2000, 2)] },
    finds: /2 bounces \(calls 1, 2\)/,
  },
  'an interruption that nobody caused': { change: TWICE, finds: /interrupted at 9000, and nobody did it/ },
  'an interruption by a harm that came later': {
    change: { ...TWICE, harms: [{ ...FROZEN, fromMs: 20_000, toMs: 30_000 }] },
    finds: /nobody did it/,
  },
  'a call too soon after the one before': {
    change: {
      ...TWO,
      calls: [call('b', 1000), call('a', 1200, 2)],
      begun: [begun('b', 990), begun('a', 1190)],
    },
    finds: /came 200\.0 ms after the one before/,
  },
  'a term that is not greater than the one before': {
    change: { leads: [...INNOCENT.leads, { term: 1, host: 'web-2', atMs: 500 }] },
    finds: /web-2 took the lead with term 1 after term 1/,
  },
  'a call begun by a host that does not lead': {
    change: { begun: [begun('a', 990, 1, '127.0.0.102')] },
    finds: /web-2 began a call of job job-a while web-1 led/,
  },
  'a call that was never begun': { change: { begun: [] }, finds: /was never begun/ },
  'a call long after its begin': {
    change: { calls: [call('a', 4000)] },
    finds: /call 1 came 3010 ms after its begin/,
  },
  'a call of an earlier term after one of a later': {
    change: { ...TWO, begun: [begun('a', 980), begun('b', 990, 2, '127.0.0.102')] },
    finds: /call 2 of term 1 came after one of term 2/,
  },
  'jobs beyond the cap': {
    change: {
      ...TWO,
      jobs: [job('a'), job('b', { sender: 'one@origin.example', deadlineMs: 4000 })],
      perSender: 1,
    },
    finds: /2 jobs of one@origin\.example, who may have 1/,
  },
  'a job claimed before one with a sooner deadline': {
    change: {
      ...TWO,
      steps: [...(TWO.steps ?? []).slice(0, 2), { number: 3, jobId: 'job-a', what: 'claimed' }],
    },
    finds: /job job-a was claimed, though job job-b with a sooner deadline waited/,
  },
  'a mail refused for now where nothing was wrong': {
    change: { mails: [mail({ told: [told(100, '450 later'), LATER] })] },
    finds: /was told "450 later" by web-1 at 100, and nothing was wrong/,
  },
  'a mail refused for now long after a harm': {
    change: { mails: [mail({ told: [told(16_000, '450 later'), LATER] })], harms: [FROZEN] },
    finds: /nothing was wrong/,
  },
  'a mail that waited for too long': {
    change: { mails: [mail({ told: [{ ...told(5000, '250 ok'), tookMs: 4000 }] })] },
    finds: /was told "250 ok" by web-1 after 4000 ms/,
  },
  'a fault that nobody caught': { change: { complaints: ['TypeError'] }, finds: /nobody caught: TypeError/ },
  'a process that is left': { change: { left: ['7 node'] }, finds: /a process is left: 7 node/ },
}

describe('the verdict on a history with several hosts', () => {
  const verdict = (change: Partial<History>) => faultsOf({ ...INNOCENT, ...change }, { isOver: true })

  for (const [what, { change, finds }] of Object.entries(GUILTY)) {
    it(`finds ${what}`, () => assert.match(verdict(change).join('\n'), finds))
  }

  it('finds nothing where all was kept', () => {
    assert.deepEqual(verdict({}), [])
    assert.deepEqual(verdict(TWO), [])
  })

  it('finds nothing where a second bounce is explained by a harm at its time', () => {
    assert.deepEqual(verdict({ ...TWICE, harms: [FROZEN] }), [])
  })

  it('finds nothing where a mail was refused for now shortly after a harm', () => {
    const mails = [mail({ told: [told(14_000, '450 later'), LATER] })]
    assert.deepEqual(verdict({ mails, harms: [FROZEN] }), [])
  })

  it('finds nothing where a mail waited for a worker that was stopped', () => {
    const mails = [mail({ told: [{ ...told(13_000, '250 ok'), tookMs: 12_000 }] })]
    const harms = [{ ...FROZEN, what: 'a worker that adds a bounce: stopped for 12 s' }]
    assert.deepEqual(verdict({ mails, harms }), [])
  })

  it('finds nothing where a mail beyond the cap has no job', () => {
    const mails = [mail(), mail({ sesId: 'b' })]
    assert.deepEqual(verdict({ mails, perSender: 1 }), [])
  })
})
