import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fieldReadings } from '../../src/mail/field-readings'
import { automatic } from '../../src/policy/automatic'
import { mail } from './support'

/** `lines`: as Haraka has them, without their ends. */
function look(...lines: string[]) {
  const readings = fieldReadings(
    lines.map(line => `${line}\n`),
    0,
  )
  return automatic({ ...mail(), readings })
}

const isReply = (...lines: string[]) => look(...lines).isReply
const isReport = (...lines: string[]) => look(...lines).isReport
const isListMail = (...lines: string[]) => look(...lines).isListMail

const REPLIES = [
  'Auto-Submitted: auto-replied',
  'Auto-Submitted: Auto-Notified; owner-email="a@b.example"',
  'Auto-Submitted: auto-generated, auto-replied',
  'Auto-Submitted: no; auto-replied',
  'Auto-Submitted: auto-replied (vacation)',
  'Auto-Submitted: (a (nested) comment) auto-replied',
  'Auto-Submitted: auto(x)-replied',
  'Auto-Submitted: (not closed auto-replied',
  'Auto-Submitted: auto-replied.',
  'Auto-Submitted: .auto-replied',
  'Auto-Submitted: "auto-replied"',
  'Auto-Submitted: "auto-replied',
  'Auto-Submitted: auto-replied vacation',
  'Auto-Submitted: auto_replied',
  'Auto-Submitted: AutoReplied',
  'Auto-Submitted: auto replied',
  'Auto-Submitted: auto-reply',
  'Auto-Submitted: auto-response',
  'Auto-Submitted: yes',
  'Auto-Submitted: vacation',
  'Auto-Submitted: auto-\u0000replied',
  'Auto-Submitted: au\u0000to-replied\u0000',
  'Auto-Submitted: auto-rep\n lied',
  'Auto-Submitted:\n auto-replied',
  'Auto-Submitted: \rauto-replied',
  'Auto-Submitted: no\r auto-replied',
  'Subject: x\rAuto-Submitted: auto-replied',
  'Auto-Submitted: auto-replied\u00e9\u00ff',
  'Auto-Submitted: \u00a0auto\u2011replied',
  'Auto-Submitted: auto-re\u00adplied',
  'Auto-Submitted: =?us-ascii?q?auto-replied?=',
  'Auto-Submitted: =?utf-8?b?YXV0by1yZXBsaWVk?=',
  'Auto-Submitted: =?utf-8?q?auto-?= =?utf-8?q?replied?=',
  'Auto-Submitted: =?utf-8?q?auto-replied',
  'Auto-Submitted : auto-replied',
  'AUTO-SUBMITTED\t: AUTO-REPLIED',
  'Auto-Submitted\n : auto-replied',
  'X-Autoreply: yes',
  'X-Autoreply:',
  'X-Autorespond: Re: hello',
  'X-AutoReply : 1',
  'X-Autoresponse: yes',
  'X-AutoReply-From: joe@origin.example',
  'X-Mail-Autoreply: true',
  'X-Auto-Submitted: auto-replied',
  'X-Precedence: auto_reply',
  'Precedence: auto_reply',
  'Precedence: auto-reply',
  'Precedence: bulk, auto_reply',
  'Precedence: AUTO_REPLY (x)',
  'X-Auto-Response-Suppress: All',
  'X-Auto-Response-Suppress: NDR',
  'X-Auto-Response-Suppress: DR, OOF, NDR, RN',
  'X-Auto-Response-Suppress: DR;ndr',
  'X-Auto-Response-Suppress: OOF NDR',
  'X-Auto-Response-Suppress: "All"',
  'X-Auto-Response-Suppress: OOF, N\n DR',
  'X-Auto-Response-Suppress: =?utf-8?q?All?=',
]

const NO_REPLIES = [
  'Auto-Submitted: no',
  'Auto-Submitted:',
  'Auto-Submitted: No (really)',
  'Auto-Submitted: auto-generated',
  'Auto-Submitted: auto-generated (rejected)',
  'Auto-Submitted: auto-generated; owner-email="auto-replied@b.example"',
  'Auto-Submitted: not-auto-replied',
  'Auto-Submitted: not auto-replied',
  'Auto-Submitted: (auto-replied)',
  'Auto-Submitted: no (auto-replied was yesterday)',
  'X-Auto-Submitted-By: auto-replied',
  'Subject: auto-replied',
  'Subject: Auto-Submitted: auto-replied',
  'X-Autoreply: no',
  'X-Autoreply: False',
  'X-Autoresponse: none',
  'X-Precedence: bulk',
  'X-Failed-Recipients:',
  'Precedence: bulk',
  'Precedence: first-class',
  'X-Auto-Response-Suppress: OOF',
  'X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply',
  'X-Auto-Response-Suppress: AutoReply',
  'X-Auto-Response-Suppress: None',
  'X-Auto-Response-Suppress: small',
  'Comments: X-Autoreply is on',
]

const REPORTS = [
  'multipart/report; report-type=delivery-status; boundary=x',
  'Multipart/Report; boundary="a;b"; Report-Type="disposition-notification"',
  'multipart/report; report-type=feedback-report',
  'multipart/report',
  'multipart/report; boundary=x',
  'multipart / report; report-type=delivery-status',
  'multipart/report report-type=delivery-status',
  'multipart(x)/(y)report; boundary=x',
  '"multipart/report"; boundary=x',
  'multipart/re\n port; boundary=x',
  'multipart/\u0000report; boundary=x',
  'multipart/report.; boundary=x',
  "multipart/report; report-type*=us-ascii''delivery%2Dstatus",
  'multipart/report; report-type*0=delivery-; report-type*1=status',
  '=?us-ascii?q?multipart/report?=; boundary=x',
  'multipart/report; report-type="=?utf-8?q?delivery-status?="',
  'multipart/mixed; report-type=delivery-status; boundary=x',
  "multipart/mixed; report-type*0*=us-ascii''delivery; boundary=x",
  'report-type=delivery-status; boundary=x',
  'boundary=x; report-type=delivery-status',
  'message/delivery-status',
  'message/global-delivery-status',
  'Message / Delivery-Status; charset=us-ascii',
  'message/disposition-notification',
  'message/feedback-report',
]

const NO_REPORTS = [
  'text/plain; report-type=delivery-status',
  'text/plain; charset=utf-8; name="multipart/report"',
  'multipart/mixed; boundary="multipart/report"',
  'multipart/mixed; boundary="report-type=delivery-status"',
  'multipart/reports-of-the-year; boundary=x',
  'multipart/alternative; boundary=report',
  'message/rfc822',
  'message/partial; id="delivery-status"',
  'application/report',
  'text/html (multipart/report)',
]

describe('mail that a machine wrote', () => {
  it('is an automatic reply in whichever form its header says so', () => {
    for (const line of REPLIES) assert(isReply(line), JSON.stringify(line))
  })

  it('is no automatic reply where a person would not call it one', () => {
    for (const line of NO_REPLIES) assert(!isReply(line), JSON.stringify(line))
  })

  it('is a report in whichever form its media type says so', () => {
    for (const value of REPORTS) assert(isReport(`Content-Type: ${value}`), JSON.stringify(value))
    assert(isReport('X-Failed-Recipients: gone@yours.example'))
  })

  it('is no report where a person would not call it one', () => {
    for (const value of NO_REPORTS) assert(!isReport(`Content-Type: ${value}`), JSON.stringify(value))
    assert(!isReport('X-Failed-Recipients: none'))
  })

  it('is list mail by its List fields and by its precedence', () => {
    for (const line of [
      'List-Id: <l.example>',
      'List-Unsubscribe : <https://l.example>',
      'List-Post:',
      'Precedence: Bulk',
      'Precedence: bulk, list',
      'Precedence: first-class, junk',
      'Precedence: "list"',
      'Precedence: bu\n lk.',
      'Subject: x\rPrecedence: list',
    ])
      assert(isListMail(line), JSON.stringify(line))
    for (const line of ['Precedence: first-class', 'Precedence: listless', 'Lists: x', 'Subject: bulk'])
      assert(!isListMail(line), JSON.stringify(line))
  })

  it('is seen by any field of a name, not the first alone', () => {
    assert(isReply('Auto-Submitted: no', 'Auto-Submitted: auto-replied'))
    assert(isReply('X-Autoreply: no', 'X-Autoreply: yes'))
    assert(isReport('Content-Type: text/plain', 'Content-Type: message/delivery-status'))
  })

  it('may be any mail with a field that is too long to be read', () => {
    const long = 'x'.repeat(70_000)
    assert(isReply(`Auto-Submitted: no (${long})`))
    assert(isReport(`Content-Type: text/plain; name="${long}"`))
    assert(!isReply(`Subject: ${long}`))
  })
})

/** What programs and hops do to a value: it stays the same to a person. */
const DECORATIONS: ((value: string) => string)[] = [
  value => ` \t ${value} `,
  value => `(a comment; with, all) ${value}`,
  value => `${value} (nested (comment))`,
  value => `${value}.`,
  value => `${value};`,
  value => `\u0000${value}`,
  value => `${value}\u0007`,
  value => `\n ${value}`,
  value => `\r${value}`,
  value => `${value}\n\t`,
  value => `\u00ff${value}\u20ac`,
  value => value.replace('-', '-\n '),
  value => value.replace('-', '\u0000-'),
  value => `${value.slice(0, 3)}\n ${value.slice(3)}`,
]
const ENCODINGS: typeof DECORATIONS = [
  value => value,
  value => value.toUpperCase(),
  value => `"${value}"`,
  value => `=?utf-8?q?${value.replaceAll(' ', '_')}?=`,
  value => `=?iso-8859-1?B?${Buffer.from(value, 'latin1').toString('base64')}?=`,
]

describe('decorations of a header', () => {
  const decoration = fc.constantFrom(...DECORATIONS)
  const decorated = (values: string[]) =>
    fc
      .tuple(
        fc.constantFrom(...values),
        fc.constantFrom(...ENCODINGS),
        fc.array(decoration, { maxLength: 2 }),
      )
      .map(([value, encode, all]) => all.reduce((text, decorate) => decorate(text), encode(value)))
  const name = (text: string) =>
    fc.constantFrom(text, `${text} `, text.toLowerCase(), `${text.toUpperCase()}\t`)
  const field = (text: string, values: string[]) =>
    fc.tuple(name(text), decorated(values)).map(([one, value]) => `${one}:${value}`)

  it('hide no automatic mail', () => {
    const automaticField = fc.oneof(
      field('Auto-Submitted', ['auto-replied', 'auto-notified']),
      field('Precedence', ['auto_reply', 'bulk, auto_reply']),
      field('X-Auto-Response-Suppress', ['All', 'DR, NDR']),
      field('Content-Type', ['multipart/report', 'message/delivery-status', 'message/feedback-report']),
    )
    fc.assert(
      fc.property(automaticField, line => {
        const { isReply, isReport } = look('Subject: hello', line, 'From: a@b.example')
        assert(isReply || isReport, JSON.stringify(line))
      }),
      { numRuns: 2000 },
    )
  })

  it('make no mail automatic that is none', () => {
    const plainField = fc.oneof(
      field('Auto-Submitted', ['no', 'auto-generated']),
      field('Precedence', ['normal', 'first-class']),
      field('X-Auto-Response-Suppress', ['OOF', 'DR, RN, NRN', 'AutoReply']),
      field('Content-Type', ['text/plain', 'multipart/mixed', 'multipart/alternative', 'message/rfc822']),
      field('Subject', ['auto-replied', 'multipart/report', 'Re: yes']),
    )
    fc.assert(
      fc.property(plainField, line => {
        const found = look('Subject: hello', line, 'From: a@b.example')
        assert.deepEqual(found, { isReply: false, isReport: false, isListMail: false }, JSON.stringify(line))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a hostile header', () => {
  it('is looked at within 100 ms, whatever its thousand lines hold', () => {
    const pieces = [
      '(',
      '"',
      '\\',
      ',',
      ';',
      '=?',
      '=?q?b?',
      '=?x?q?=?=',
      'auto-',
      'auto',
      'report-type',
      '\r',
      'a:\r',
      '\u0000',
    ]
    const names = ['Auto-Submitted', 'Content-Type', 'Precedence', 'X-Auto-Response-Suppress', 'List-Id']
    for (const piece of pieces) {
      const lines = Array.from({ length: 999 }, (_, index) => {
        const filling = piece.repeat(Math.floor(960 / piece.length))
        return index % 9 === 0 ? `${names[(index / 9) % names.length]}: ${filling}` : ` ${filling}`
      })
      const started = process.cpuUsage()
      look(...lines)
      const { user, system } = process.cpuUsage(started)
      assert((user + system) / 1000 < 100, `${JSON.stringify(piece)}: ${(user + system) / 1000} ms`)
    }
  })
})
