// The sample mails, each with what must become of it.
// What SES knows of them is true, so that the stand-in refuses what was forged.

import type { KnownMessage } from '../local-ses/ses'
import { formatDuration } from '../settings/values'
import { type Form, mailText, newSesId, traceDate } from './mail'
import type { Handed } from './smtp'

export interface Sample {
  title: string
  handed: Handed
  sesId: string
  /** Recipients of record: whose fate is looked at. */
  recipients: readonly string[]
  /** As SES has it; undefined: it never saw the mail. */
  known?: KnownMessage
  /** The relay delivers a mail once more. */
  again?: boolean
  expected: Expected
}

export interface Expected {
  code: 250 | 450 | 550
  /** As `fateText` says it. */
  happens: string
  /** The rule, and why not as it says: as `whyText` says it. */
  why: string
}

interface Mail {
  title: string
  from: string
  to: readonly string[]
  expected: Expected
  subject?: string
  body?: string
  fields?: Readonly<Record<string, string>>
  form?: Form
  ageHours?: number
  proved?: boolean
  spam?: 'PASS' | 'FAIL'
  /** MAIL FROM and RCPT TO where the relay changes them. */
  envelope?: { from: string; to: string[] }
  /** What SES had; 'nothing': it never saw the mail. */
  sesHad?: 'nothing' | readonly string[]
}

const REGION = 'eu-west-1'
const HOUR_MS = 3_600_000

const bounced = (why: string): Expected => ({ code: 250, happens: 'bounced', why })
const quarantined = (why: string): Expected => ({ code: 250, happens: 'quarantined', why })
const delivered = (why = 'no rule'): Expected => ({ code: 250, happens: 'delivered', why })
const notBounced = (detail: string) => quarantined(`unknown-mailbox: ${detail}`)

const MAILS: readonly Mail[] = [
  {
    title: 'to a mailbox that we have',
    from: 'carla@origin.example',
    to: ['anna@example.com'],
    expected: delivered(),
  },
  {
    title: "to one that we don't have",
    from: 'dirk@origin.example',
    to: ['nobody@example.com'],
    expected: bounced('unknown-mailbox'),
  },
  {
    title: 'the same, by Mail Manager',
    from: 'emma@west.example',
    to: ['noone@example.com'],
    form: 'mail-manager',
    expected: bounced('unknown-mailbox'),
  },
  {
    title: 'the same, refolded on its way',
    from: 'finn@north.example',
    to: ['gone@example.com'],
    form: 'refolded',
    expected: bounced('unknown-mailbox'),
  },
  {
    title: 'the relay rewrote the envelope',
    from: 'greta@origin.example',
    to: ['left@example.com'],
    envelope: { from: 'forwarder@example.com', to: ['intake@mail.example.com'] },
    expected: bounced('unknown-mailbox'),
  },
  {
    title: "to two we don't have, one we do",
    from: 'hugo@south.example',
    to: ['adam@example.com', 'eve@example.com', 'ben@example.com'],
    expected: { code: 250, happens: '2 bounced, 1 delivered', why: 'unknown-mailbox' },
  },
  {
    title: "a partner, to one we don't have",
    from: 'ida@eu.partner.example',
    to: ['project-x@example.com'],
    expected: delivered('partners'),
  },
  {
    title: 'larger than we take',
    from: 'jan@origin.example',
    to: ['ben@example.com'],
    subject: 'The whole catalogue',
    body: 'Page after page after page of the catalogue, in plain text.\n'.repeat(1500),
    expected: bounced('too-large'),
  },
  {
    title: 'to a mailbox that is full',
    from: 'kim@west.example',
    to: ['archive@example.com'],
    expected: bounced('full'),
  },
  {
    title: 'sent with a mass mailer',
    from: 'lena@shop.example',
    to: ['sales@example.com'],
    fields: { 'X-Mailer': 'MassMail 7.1' },
    expected: bounced('mass-mail'),
  },
  {
    title: 'a mailing list, to one who left',
    from: 'garden@lists.example',
    to: ['former@example.com'],
    fields: { 'List-Id': 'Garden railways <garden.lists.example>', Precedence: 'list' },
    expected: bounced('unknown-mailbox'),
  },
  {
    title: '23 h old: first to be bounced',
    from: 'mona@north.example',
    to: ['elsewhere@example.com'],
    ageHours: 23,
    expected: bounced('unknown-mailbox'),
  },
  {
    title: '25 h old: too late for SES',
    from: 'nils@north.example',
    to: ['elsewhere@example.com'],
    ageHours: 25,
    expected: {
      code: 550,
      happens: 'rejected',
      why: `unknown-mailbox: later than ${formatDuration(24 * HOUR_MS)} after its receipt`,
    },
  },
  {
    title: 'for a rule that only observes',
    from: 'olga@origin.example',
    to: ['sales@example.com'],
    subject: 'Your invoice of this month',
    expected: delivered('trial would bounce'),
  },
  {
    title: 'from the null sender',
    from: '',
    to: ['nobody@example.com'],
    subject: 'Undelivered mail',
    expected: notBounced('null sender'),
  },
  {
    title: 'forged: SPF and DMARC fail',
    from: 'victim@bystander.example',
    to: ['nobody@example.com'],
    proved: false,
    expected: notBounced('sender not authenticated'),
  },
  {
    title: 'forged: an id SES never gave',
    from: 'victim@bystander.example',
    to: ['nobody@example.com'],
    sesHad: 'nothing',
    expected: { code: 250, happens: 'refused by SES', why: 'unknown-mailbox' },
  },
  {
    title: 'forged: names one SES never had',
    from: 'paul@origin.example',
    to: ['info@example.com', 'anna@example.com'],
    sesHad: ['anna@example.com'],
    expected: { code: 250, happens: '1 refused by SES, 1 delivered', why: 'unknown-mailbox' },
  },
  {
    title: 'an out-of-office reply',
    from: 'rosa@west.example',
    to: ['nobody@example.com'],
    subject: 'Out of office',
    fields: { 'Auto-Submitted': 'auto-replied' },
    expected: notBounced('automatic reply'),
  },
  {
    title: 'spam, says SES',
    from: 'sven@south.example',
    to: ['nobody@example.com'],
    spam: 'FAIL',
    expected: notBounced('spam'),
  },
  {
    title: 'to the postmaster',
    from: 'tara@origin.example',
    to: ['postmaster@example.com'],
    expected: notBounced('role address'),
  },
  {
    title: 'looks like phishing',
    from: 'service@bank.example',
    to: ['anna@example.com'],
    subject: 'Your account was suspended',
    expected: quarantined('suspicious'),
  },
  {
    title: 'from a blocked sender',
    from: 'win-offers@luck.example',
    to: ['ben@example.com'],
    expected: { code: 550, happens: 'rejected', why: 'blocked' },
  },
  {
    title: 'to a mailbox that nobody reads',
    from: 'uwe@origin.example',
    to: ['no-reply@example.com'],
    expected: { code: 250, happens: 'dropped', why: 'machines' },
  },
  {
    title: 'to a mailbox that is being moved',
    from: 'vera@west.example',
    to: ['ledger@example.com'],
    expected: { code: 450, happens: 'deferred', why: 'moving' },
  },
]

/** Received just now, but for those that are old. */
export function makeSamples(now: Date): Sample[] {
  const samples = MAILS.map(mail => sampleOf(mail, now))
  const [, second] = samples
  if (second === undefined) return samples
  const expected = { ...second.expected, happens: 'bounced once', why: 'unknown-mailbox, taken before' }
  return [...samples, { ...second, title: 'number 2, delivered once more', again: true, expected }]
}

function sampleOf(mail: Mail, now: Date): Sample {
  const { from: sender, to, sesHad = to, title, expected } = mail
  const sesId = newSesId()
  const receivedAt = new Date(now.getTime() - (mail.ageHours ?? 0) * HOUR_MS)
  const recipient = (sesHad === 'nothing' ? to : sesHad)[0] ?? ''
  const { form = 'classic', proved = true, spam = 'PASS' } = mail
  const data = mailText(
    { form, sesId, region: REGION, receivedAt, sender, recipient, proved, spam },
    {
      From: sender === '' ? 'MAILER-DAEMON@origin.example' : sender,
      To: to.join(', '),
      Subject: mail.subject ?? 'Lunch on Thursday?',
      Date: traceDate(receivedAt).replace(' (UTC)', ''),
      'Message-ID': `<${sesId.slice(0, 12)}@origin.example>`,
      ...mail.fields,
    },
    mail.body ?? 'Hello,\n\nwould Thursday at noon suit you?',
  )
  const known = { sesId, region: REGION, sender, receivedAtMs: receivedAt.getTime() }
  return {
    title,
    handed: { ...(mail.envelope ?? { from: sender, to }), data },
    sesId,
    recipients: to,
    ...(sesHad !== 'nothing' && { known: { ...known, recipients: [...sesHad] } }),
    expected,
  }
}
