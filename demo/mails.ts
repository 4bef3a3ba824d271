// The sample mails: the speciality of each, and its expected outcome under the demo's policy.
// Plain data, in the order of sending.

import { formatDuration } from '../src/config/values'

export interface Expected {
  code: 250 | 450 | 550
  /** The expected outcome, in the words of `fateText`. */
  happens: string
  /** The expected rule and reason, in the words of `whyText`. */
  why: string
}

export interface Mail {
  title: string
  from: string
  to: readonly string[]
  expected: Expected
  subject?: string
  body?: string
  fields?: Readonly<Record<string, string>>
  form?: 'mail-manager'
  /** A later hop broke the lines of SES's fields anew. */
  refolded?: boolean
  ageHours?: number
  proved?: boolean
  spam?: 'PASS' | 'FAIL'
  /** Another plugin refuses it: the demo shows its words in the bounce. */
  isRefused?: boolean
  /** MAIL FROM and RCPT TO, if the relay changes them. */
  envelope?: { from: string; to: string[] }
  /** The recipients that SES had. 'nothing': SES never had the mail. */
  sesHad?: 'nothing' | readonly string[]
}

/** SES API: SendBounce accepts bounces for 24 hours. */
const DAY_MS = 86_400_000

const bounced = (why: string): Expected => ({ code: 250, happens: 'bounced', why })
const quarantined = (why: string): Expected => ({ code: 250, happens: 'quarantined', why })
const delivered = (why = 'no rule'): Expected => ({ code: 250, happens: 'delivered', why })
const notBounced = (detail: string) => quarantined(`unknown-mailbox: ${detail}`)

export const MAILS: readonly Mail[] = [
  {
    title: 'to one the directory knows',
    from: 'carla@origin.example',
    to: ['dave@staff.example.com'],
    expected: delivered(),
  },
  {
    title: 'to one the directory refuses',
    isRefused: true,
    from: 'bert@origin.example',
    to: ['erin@staff.example.com'],
    expected: bounced('not-in-directory'),
  },
  {
    title: 'to one it refuses, one it knows',
    isRefused: true,
    from: 'cora@south.example',
    to: ['frank@staff.example.com', 'carol@staff.example.com'],
    expected: { code: 250, happens: '1 bounced, 1 delivered', why: 'not-in-directory' },
  },
  {
    title: 'content that the scanner refuses',
    isRefused: true,
    from: 'dora@north.example',
    to: ['anna@example.com'],
    subject: 'The minutes',
    body: 'A document with A-MACRO in it.\n',
    expected: bounced('scanned'),
  },
  {
    title: 'a virus, says the scanner',
    from: 'emil@west.example',
    to: ['anna@example.com'],
    body: 'A document with A-VIRUS in it.\n',
    expected: quarantined('scanned: virus'),
  },
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
    refolded: true,
    expected: bounced('unknown-mailbox'),
  },
  {
    title: 'the relay rewrote the envelope',
    from: 'greta@origin.example',
    to: ['left@example.com'],
    envelope: { from: 'forwarder@example.com', to: ['intake@forwarder.example'] },
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
    title: 'with a program attached',
    from: 'wim@north.example',
    to: ['anna@example.com'],
    subject: 'The new version',
    fields: { 'MIME-Version': '1.0', 'Content-Type': 'multipart/mixed; boundary=part' },
    body: [
      '--part\n\nPlease install this.',
      '--part\nContent-Type: application/octet-stream; name=update.exe\n\nMZ',
      '--part--\n',
    ].join('\n'),
    expected: bounced('programs'),
  },
  {
    title: 'asks for gift cards, unproved',
    from: 'boss@somewhere.example',
    to: ['ben@example.com'],
    subject: 'Are you at your desk?',
    body: 'I am in a meeting. Buy five gift\ncards for me, please.',
    proved: false,
    expected: quarantined('gift-cards'),
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
    title: '23 h old: sent first',
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
      why: `unknown-mailbox: later than ${formatDuration(DAY_MS)} after its receipt`,
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
    expected: { code: 250, happens: 'refused by SES and quarantined', why: 'unknown-mailbox' },
  },
  {
    title: 'forged: names one SES never had',
    from: 'paul@origin.example',
    to: ['info@example.com', 'anna@example.com'],
    sesHad: ['anna@example.com'],
    expected: { code: 250, happens: '1 refused by SES and quarantined, 1 delivered', why: 'unknown-mailbox' },
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
