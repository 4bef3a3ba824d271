// Headers made costly to read: each of nearly as many lines as Haraka keeps, nearly as long as it lets them be.

/** Haraka keeps 1,000 lines; SES's block and the ordinary fields need some. */
const LINES = 960
/** Haraka breaks lines at 992 bytes. */
const LINE_BYTES = 985

/** The texts with which a line is filled, again and again. */
const UNITS = {
  'names without an address': 'a,',
  'the shortest addresses': 'a@b,',
  addresses: 'some.body.or.other@host.example, ',
  'addresses in brackets': '"Some Body" <some.body@host.example>, ',
  'addresses at IDN domains': 'ü@dömäin.example, ',
  'opening brackets': '<',
  'empty brackets': '<>',
  'closing brackets': '>',
  semicolons: ';',
  groups: 'g:a@b;',
  'nested groups': 'g:',
  'opening parentheses': '(',
  'empty comments': '()',
  'nested comments': '((a))',
  quotes: '"',
  'empty quotes': '""',
  backslashes: '\\',
  'quoted backslashes': '"\\"',
  'at signs': '@',
  'addresses with blanks': 'a @ b ',
  'address literals': 'a@[',
  'long domains': 'a@b.c.d.e.f.',
  words: 'word ',
  blanks: ' \t',
  'marks in the wrong order': 'a\u0301\u0327',
  'marks alone': '\u0301\u0327',
  'begun words': '=?',
  'encoded words in Q': '=?utf-8?q?=CC=81=CC=A7=C3=A9?= ',
  'encoded words in B': '=?utf-8?b?w6nDqcOpw6nDqQ==?= ',
  'encoded words of an unknown charset': '=?x-unknown?q?=e9?= ',
  'encoded words of UTF-7': '=?utf-7?q?+AOk-?= ',
  'encoded words of ISO-2022-JP': '=?iso-2022-jp?b?GyRCJEobKEI=?= ',
  'encoded words that are broken': '=?utf-8?q?=e9 =? ',
  'encoded words that are joined': '=?utf-8?b?zIHMpw==?= ',
  parameters: '; report-type*0*1*2="a"',
  'letters of a pattern': 'a',
}

const NAMES = [
  'To',
  'From',
  'Subject',
  'List-Unsubscribe',
  'Content-Type',
  'References',
  'Auto-Submitted',
  'Precedence',
  'X-Loop',
]

/** Fields below SES's block, by what they are. */
export function hostileHeaders(): Map<string, () => string[]> {
  const headers = new Map<string, () => string[]>()
  for (const name of NAMES) {
    for (const [what, unit] of Object.entries(UNITS)) {
      headers.set(`one ${name} of ${what}`, () => [folded(name, () => unit)])
      headers.set(`many ${name} of ${what}`, () =>
        Array.from({ length: LINES }, () => `${name}: ${line(unit)}`),
      )
    }
  }
  headers.set('a Subject of marks in the wrong order', () => [
    folded('Subject', at => (at < LINES / 2 ? '\u0301' : '\u0327')),
  ])
  headers.set('a Subject of joined words with marks in the wrong order', () => [
    folded('Subject', at =>
      at < LINES / 2
        ? '=?utf-8?b?zIHMgcyBzIHMgcyBzIHMgcyBzIHMgcyB?= '
        : '=?utf-8?b?zKfMp8ynzKfMp8ynzKfMp8ynzKfMp8yn?= ',
    ),
  ])
  headers.set('fields of all names', () => Array.from({ length: LINES }, (_, at) => `X-${at}: ${line('a ')}`))
  headers.set('fields without a value', () => Array.from({ length: LINES }, (_, at) => `X-${at}:`))
  headers.set('lines that are no fields', () => Array.from({ length: LINES }, () => line('a b ')))
  headers.set('Return-Path lines', () =>
    Array.from({ length: LINES }, (_, at) => `Return-Path: <${at}${line('a')}@x.example>`),
  )
  headers.set('Received lines of SES', () =>
    Array.from(
      { length: 80 },
      (_, at) =>
        `Received: from a (a [192.0.2.1])\r\n by inbound-smtp.eu-west-1.amazonaws.com with SMTP id ${at}\r\n for <${line('a').slice(0, 900)}@x.example>; Thu, 1 Jan 2026 00:00:00 +0000`,
    ),
  )
  headers.set('Received lines of blanks', () =>
    Array.from({ length: 80 }, () =>
      ['Received: from a by amazonaws.com', ...Array.from({ length: 10 }, () => line(' ;'))].join('\r\n '),
    ),
  )
  headers.set('an Authentication-Results of comments', () => [
    folded('Authentication-Results', () => '((a))'),
  ])
  headers.set('Cc of 10,000 recipients', () => [
    `Cc: ${Array.from({ length: 10_000 }, (_, at) => `recipient${at}@host${at % 100}.example`)
      .reduce<string[][]>((lines, one, at) => {
        if (at % 14 === 0) lines.push([])
        lines.at(-1)?.push(one)
        return lines
      }, [])
      .map(one => one.join(', '))
      .join(',\r\n ')}`,
  ])
  return headers
}

function folded(name: string, unitAt: (line: number) => string): string {
  return `${name}: ${Array.from({ length: LINES }, (_, at) => line(unitAt(at))).join('\r\n ')}`
}

function line(unit: string): string {
  const times = Math.floor((LINE_BYTES - 30) / Buffer.byteLength(unit))
  return unit.repeat(times)
}
