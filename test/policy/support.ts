// Mails and policies for the tests of this room, from as little text as a test needs.
// A policy with errors fails the test that asks for it.

import assert from 'node:assert/strict'
import { type Diagnostic, formatDiagnostic } from '../../src/config/diagnostics'
import { parseIni } from '../../src/config/ini'
import type { Settings } from '../../src/config/settings'
import type { Content } from '../../src/mail/content'
import type { Envelope, MailFacts, Receipt, RecipientFacts } from '../../src/mail/facts'
import { REFUSAL_STAGES, type Refusal } from '../../src/mail/refusal'
import { compileAccounts } from '../../src/policy/accounts'
import { compilePolicy, type PolicyContext } from '../../src/policy/compile'
import { decide } from '../../src/policy/decide'
import type { Decision } from '../../src/policy/decision'
import { MatchBudget } from '../../src/policy/match-budget'
import { regexSet } from '../../src/policy/regex-pass'
import type { Policy } from '../../src/policy/rule'
import { domain } from '../units'

export const NOW_MS = Date.UTC(2025, 1, 20, 13, 0, 0)
export const HOUR_MS = 3_600_000

export const SETTINGS: Settings = {
  main: { mode: 'enforce', onError: 'stop' },
  relay: { trusted: ['192.0.2.1'], authUsers: [], recipients: 'auto', labelSeparator: '+', domains: [] },
  ses: {
    bounceSender: 'mailer-daemon@{recipient.domain}',
    regions: [],
    endpoint: '',
    timeoutMs: 10_000,
  },
  accounts: [],
  limit: { intervalMs: 1000, slackMs: 5 },
  window: { lengthMs: 24 * HOUR_MS, marginMs: 60_000 },
  queue: {
    store: 'sqlite',
    path: 'ses-bounce/queue.sqlite',
    keepMs: 7 * 24 * HOUR_MS,
    keepsMail: true,
    retryFirstMs: 2000,
    retryLongestMs: 600_000,
    unknownTries: 3,
  },
  content: { limitBytes: 262_144 },
  guard: {
    null_sender: true,
    own_domains: true,
    replied: true,
    virus: true,
    spam: true,
    list_mail: false,
    role_addresses: ['postmaster', 'abuse', 'mailer-daemon'],
    authentication: 'aligned',
  },
  fallback: {
    expired: 'reject',
    overload: 'reject',
    no_receipt: 'reject',
    mismatch: 'reject',
    ended: 'reject',
    unsafe: 'quarantine',
    capped: 'quarantine',
    full: 'reject',
    unreadable: 'quarantine',
  },
  delivery: { split: 'auto', window: 'answered', ownDsn: 'guarded' },
  refusals: { surge: { percent: 50, perMs: 600_000 }, hidden: [] },
  quarantine: { store: 'folder', keepMs: 30 * 24 * HOUR_MS, limitBytes: 1024 ** 3 },
  http: { hosts: [], tokens: [] },
}

/** `rcpt-ldap rcpt 550 5.1.1 No such user` */
export function refusal(text: string): Refusal {
  const [by = '', stage = '', code = '', status = '', ...words] = text.split(' ')
  const known = REFUSAL_STAGES.find(one => one === stage)
  assert(known, stage)
  return { by, stage: known, code: Number(code), status, reply: words.join(' ') }
}

export interface MailParts {
  envelopeSender?: string
  relayIp?: string
  sizeBytes?: number
  /** Recipients of record; the envelope has the same unless `envelopeRecipients` says otherwise. */
  recipients?: string[]
  envelopeRecipients?: string[]
  source?: RecipientFacts['source']
  notifyNever?: boolean
  /** The refusals of every recipient; each: `rcpt-ldap rcpt 550 5.1.1 No such user`. */
  refused?: string[]
  /** null: no receipt. */
  receipt?: Partial<Receipt> | null
  sender?: string
  headers?: Record<string, string[]>
  addresses?: Record<string, string[]>
  /** Names of fields that couldn't be read whole. */
  cut?: string[]
  /** Default: the sender; null: From names no single mailbox. */
  author?: string | null
  headerIsCut?: boolean
  content?: Partial<Content>
  /** Values by path. */
  results?: Record<string, (string | number)[]>
}

export function mail(parts: MailParts = {}): MailFacts {
  const sender = parts.sender ?? 'joe@origin.example'
  const recipients = parts.recipients ?? ['nobody@example.com']
  const envelope: Envelope = {
    sender: parts.envelopeSender ?? sender,
    recipients: recipients.map((address, index) => ({
      address: parts.envelopeRecipients?.[index] ?? address,
      notifyNever: parts.notifyNever ?? false,
      ...(parts.refused && { refusals: parts.refused.map(refusal) }),
    })),
    relayIp: parts.relayIp ?? '192.0.2.1',
    sizeBytes: parts.sizeBytes ?? 5000,
  }
  return {
    envelope,
    ...(parts.receipt === null
      ? { receiptFault: 'no Received field of SES' }
      : { receipt: { ...receipt(sender), ...parts.receipt } }),
    sender,
    recipients: recipients.map((address, index) => {
      const given = envelope.recipients[index]
      assert(given)
      return { envelope: given, address, source: parts.source ?? 'for' }
    }),
    headers: {
      values: name => parts.headers?.[name] ?? [],
      valuesAreCut: name => parts.cut?.includes(name) ?? false,
      addresses: name => parts.addresses?.[name] ?? [],
      addressesAreCut: name => parts.cut?.includes(name) ?? false,
    },
    ...(parts.author !== null && { author: parts.author ?? sender }),
    headerIsCut: parts.headerIsCut ?? false,
    readings: name => ({ texts: parts.headers?.[name] ?? [], areCut: false }),
    content: async () => ({ texts: [], attachments: [], isCut: false, ...parts.content }),
    results: path => parts.results?.[path] ?? [],
    warnings: [],
  }
}

/** One that searches here and now. */
export function budget(): MatchBudget {
  return new MatchBudget({
    search: async (sources, text) => ({ found: regexSet(sources).match(text), tookMs: 0 }),
  })
}

export async function decideNow(policy: Policy, facts: MailFacts, nowMs = NOW_MS): Promise<Decision[]> {
  return decide(policy, facts, nowMs, budget())
}

export function receipt(sender: string): Receipt {
  return {
    form: 'classic',
    sesId: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
    sesIdIsUsual: true,
    region: 'eu-west-1',
    receivedAtMs: NOW_MS - HOUR_MS,
    forRecipient: 'nobody@example.com',
    returnPath: sender,
    client: { helo: 'mx.origin.example', name: 'mx.origin.example', ip: '198.51.100.7' },
    verdicts: { spam: 'pass', virus: 'pass', spf: 'pass', dkim: 'pass', dmarc: 'pass' },
    authentication: {
      spfDomain: domain('origin.example'),
      dkimDomains: [domain('origin.example')],
      dmarcDomain: domain('origin.example'),
    },
  }
}

export interface PolicyParts {
  settings?: Partial<Settings>
  lists?: Record<string, string>
  ours?: string[]
}

export function compile(
  text: string,
  parts: PolicyParts = {},
): { policy: Policy; diagnostics: Diagnostic[] } {
  const settings = { ...SETTINGS, ...parts.settings }
  const context: PolicyContext = {
    settings,
    accounts: compileAccounts(settings.accounts),
    reportingMta: 'dns; mx.example.com',
    lists: name => (Object.hasOwn(parts.lists ?? {}, name) ? parts.lists?.[name] : undefined),
    domains: parts.ours ?? ['example.com'],
    receivesFor: domain => (parts.ours ?? ['example.com']).includes(domain),
    isOfOwnOrganisation: domain => (parts.ours ?? ['example.com']).includes(domain),
  }
  return compilePolicy(parseIni('rules.ini', text), context)
}

export function policy(text: string, parts: PolicyParts = {}): Policy {
  const compiled = compile(text, parts)
  assert.deepEqual(
    compiled.diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic),
    [],
  )
  return compiled.policy
}

/** All diagnostics as an administrator sees them. */
export function said(text: string, parts: PolicyParts = {}): string[] {
  return compile(text, parts).diagnostics.map(formatDiagnostic)
}
