import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { compileActiveConfig } from '../../src/app/active-config'
import { evaluateMail } from '../../src/app/evaluate-mail'
import { FALLBACK_REASONS } from '../../src/config/settings'
import { snapshotSources } from '../../src/config/sources'
import { ODD_CLIENT, OTHER_CLIENT, OTHER_SENDER, UNREADABLE } from '../../src/mail/authentication'
import { CLOSED_TWICE, NOT_ABOVE, NOT_CLOSED } from '../../src/mail/ses-block'
import { GUARD_TEXTS } from '../../src/policy/guard-texts'
import { NOT_AUTHENTICATED, NOT_THE_AUTHOR } from '../../src/policy/proved-sender'
import type { Ahead, Seen, WorkerQueue } from '../../src/queue/store'
import { key } from '../units'

const page = readFileSync(path.join(__dirname, '../../docs/why-not-bounced.md'), 'utf8')
const RECEIVED_MS = Date.UTC(2025, 1, 20, 12, 0, 0)
const HOUR_MS = 3_600_000

const SES = 'by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1'
const RECEIVED = `Received: from mx.origin.example (mx.origin.example [198.51.100.7]) ${SES} for nobody@example.com; Thu, 20 Feb 2025 12:00:00 +0000 (UTC)`
const HEADER = ['Return-Path: <joe@origin.example>', RECEIVED, 'From: joe@origin.example', 'Subject: x']

interface Holds {
  known?: Seen['known']
  ahead?: Partial<Ahead>
  /** The count of every cap. */
  count?: number
}

interface Case {
  header?: string[]
  settings?: string
  hosts?: Record<string, string>
  recipients?: string[]
  ageMs?: number
  queue?: Holds
  /** A line of the rule. */
  rule?: string
}

const EMPTY: Ahead = {
  jobs: 0,
  spacingMs: 0,
  sinceLastStartMs: Number.POSITIVE_INFINITY,
  laterMs: Number.POSITIVE_INFINITY,
}

function queueWith({ known = new Map(), ahead = {}, count = 0 }: Holds): WorkerQueue {
  return {
    clock: { nowMs: () => Date.now(), isKnown: true, learn: () => Date.now() },
    look: ({ bounce }) => ({
      known,
      ...(bounce && {
        bounce: { silentMs: 0, ahead: { ...EMPTY, ...ahead }, counted: bounce.caps.map(() => count) },
      }),
    }),
    add: () => [],
    mail: { reserve: () => undefined, startRemoval: () => [], endRemoval: () => undefined },
    close: () => undefined,
  }
}

/** The reason and the detail why the plugin makes no bounce of it. */
async function refused({
  header = HEADER,
  settings = '',
  hosts = { host_list: 'example.com\n' },
  recipients,
  ageMs = 0,
  queue = {},
  rule = '',
}: Case) {
  const { value, diagnostics } = compileActiveConfig(
    snapshotSources({
      'ses-bounce.ini': `[guard]\nauthentication = none\n${settings}`,
      'ses-bounce-rules.ini': `[all]\nrecipient = @example.com, @other.example\naction = bounce\n${rule}`,
      ...hosts,
    }),
    {},
  )
  assert.deepEqual(diagnostics, [])
  const mail = {
    envelope: {
      sender: 'joe@origin.example',
      recipients: (recipients ?? ['nobody@example.com']).map(address => ({ address, notifyNever: false })),
      relayIp: '192.0.2.10',
      sizeBytes: 1000,
    },
    headerLines: header.map(line => `${line}\n`),
    headerIsCut: false,
    ownFields: 0,
    nowMs: RECEIVED_MS + ageMs,
    nowMonoMs: performance.now(),
    content: () => assert.fail('no rule asks for content'),
    results: () => [],
    search: () => assert.fail('no rule searches'),
  }
  const evaluation = await evaluateMail(mail, value, () => queueWith(queue))
  return evaluation?.decisions[0]?.fallback
}

const without = (name: string) => HEADER.filter(line => !line.startsWith(name))
const withReceived = (from: string, to: string) =>
  HEADER.map(line => (line === RECEIVED ? RECEIVED.replace(from, to) : line))

const CASES: [reason: string, detail: string, Case][] = [
  ['no_receipt', 'no Received line of SES', { header: without('Received') }],
  ['no_receipt', 'no Return-Path of SES', { header: without('Return-Path') }],
  [
    'no_receipt',
    "SES's Received line can't be read",
    {
      header: withReceived('(mx.origin.example [198.51.100.7])', 'by inbound-smtp.eu-west-1.amazonaws.com x'),
    },
  ],
  [
    'no_receipt',
    "SES's Received line has two dates",
    { header: HEADER.map(line => (line === RECEIVED ? `${line}; Thu, 20 Feb 2025 12:00:00 +0000` : line)) },
  ],
  [
    'no_receipt',
    "SES's Received line has no readable region",
    { header: withReceived('inbound-smtp.eu-west-1', 'inbound-smtp.europe') },
  ],
  ['no_receipt', "SES's Received line has no readable id", { header: withReceived(' id 7k', ' id !7k') }],
  ['no_receipt', "SES's Received line has no readable date", { header: withReceived('Thu, 20', 'someday') }],
  ['no_receipt', 'region eu-west-1 is not in use', { settings: '[ses]\nregions = us-east-1\n' }],
  [
    'no_receipt',
    'domain in no account',
    {
      hosts: { host_list_regex: '.*\\.com\n' },
      settings: '[account.other]\nrole = arn:aws:iam::123456789012:role/bounce\ndomains = other.example\n',
    },
  ],
  ['mismatch', 'recipient not known to SES', { recipients: ['a@other.example', 'b@other.example'] }],
  [
    'unsafe',
    'no usable bounce sender',
    {
      settings: '[ses]\nbounce_sender = bounce@{sender.domain}\n',
      header: HEADER.with(0, 'Return-Path: <>'),
    },
  ],
  ['expired', 'later than 24h after its receipt', { ageMs: 25 * HOUR_MS }],
  ['overload', 'the queue is too long for its deadline', { queue: { ahead: { jobs: 90_000 } } }],
  ['overload', 'the queue is too long for later deadlines', { queue: { ahead: { laterMs: RECEIVED_MS } } }],
  [
    'ended',
    'its bounce has failed already, as job mwtd1gfxieej5',
    {
      queue: {
        known: new Map([
          [
            key('nobody@example.com'),
            { jobId: 'mwtd1gfxieej5', state: 'failed', rule: 'all', createdAtMs: 0 },
          ],
        ]),
      },
    },
  ],
  ['capped', 'more than 10/day for this sender', { queue: { count: 10 } }],
  [
    'capped',
    "more than 20/hour for the sender's domain",
    { settings: '[limit]\nper_sender_domain = 20/hour\nper_sender =\n', queue: { count: 20 } },
  ],
  [
    'capped',
    'more than 2/minute by this rule',
    { settings: '[limit]\nper_sender =\n', rule: 'cap = 2/minute\n', queue: { count: 2 } },
  ],
]

describe('docs/why-not-bounced.md', () => {
  for (const [reason, detail, mail] of CASES) {
    it(`explains ${reason}: ${detail}, which the plugin says`, async () => {
      assert.deepEqual(await refused(mail), { reason, detail })
      assert(sectionOf(reason).includes(`\`${detail}\``), detail)
    })
  }

  it('explains each reason for which nothing is proved', () => {
    const reasons = [
      NOT_CLOSED,
      NOT_ABOVE,
      CLOSED_TWICE,
      ODD_CLIENT,
      UNREADABLE,
      OTHER_CLIENT,
      OTHER_SENDER,
      NOT_THE_AUTHOR.slice(`${NOT_AUTHENTICATED}: `.length),
    ]
    for (const reason of reasons) assert(sectionOf('authentication').includes(`\`${reason}\``), reason)
  })

  for (const { name, details, standard } of GUARD_TEXTS) {
    it(`explains the guard ${name}, with its standard and what it says`, () => {
      const section = sectionOf(name)
      for (const detail of details) assert(section.includes(`\`${detail}\``), detail)
      assert(section.replaceAll('\n', ' ').includes(`From: ${standard}`), standard)
      assert.match(section, /^What to do: /m)
    })
  }

  it('says of each reason where it is from and what to do', () => {
    for (const reason of FALLBACK_REASONS.filter(reason => reason !== 'unsafe')) {
      assert.match(sectionOf(reason), /^From: /m, reason)
      assert.match(sectionOf(reason), /[Ww]hat to do/, reason)
    }
  })

  it('has each reason with its default', () => {
    const { settings } = compileActiveConfig(snapshotSources({}), {}).value
    for (const reason of FALLBACK_REASONS) {
      const [, , action] =
        new RegExp(`^\\| \\[\`${reason}\`\\]\\(#${reason}\\) \\|(.*)\\| (\\w+)`, 'm').exec(page) ?? []
      assert.equal(action, settings.fallback[reason], reason)
    }
  })
})

/** The text below a heading, up to the next one. */
function sectionOf(heading: string): string {
  const [, rest] = page.split(new RegExp(`^#+ ${heading}$`, 'm'))
  assert(rest !== undefined, heading)
  return rest.split(/^#/m)[0] ?? ''
}
