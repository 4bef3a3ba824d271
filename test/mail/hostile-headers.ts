// Headers made of the pieces that programs read in different ways, as physical lines of Haraka.

import fc from 'fast-check'

const START = fc.constantFrom(
  'Content-Type: ',
  'To: ',
  'to : ',
  'From:',
  'From ',
  'Cc\t:',
  'Subject: ',
  'DKIM-Signature: ',
  'List-Id: ',
  'Date: ',
  'Received: from x by inbound-smtp.eu-west-1.amazonaws.com',
  'Return-Path: <',
  'X',
  'X\u00a0: ',
  'x: ',
  ' ',
  '\t',
  '\r',
  ': ',
  '',
)
const PIECE = fc.constantFrom(
  ';',
  ',',
  '=',
  ':',
  '"',
  '\\',
  '<',
  '>',
  '(',
  ')',
  'a@b.example',
  'group: ',
  '*0*=',
  '=?utf-8?q?',
  '=?utf-8?b?w6k=?= ',
  '=?iso-8859-1?q?=E9?= ',
  '?=',
  'multipart/mixed; boundary=',
  '\0',
  '\r',
  'é',
  '\u00c3\u00a9',
  '\u0301',
  '\ufffd',
  '\ud83d',
  ' ',
)

export function hostileHeader(): fc.Arbitrary<string[]> {
  const rest = fc.oneof(
    fc.array(PIECE, { maxLength: 8 }).map(pieces => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 10 }).map(text => text.replaceAll('\n', '')),
  )
  const end = fc.constantFrom('\n', '\n', '\n', '\r\n', '\r\r\n')
  const line = fc.tuple(START, rest, end).map(parts => parts.join(''))
  return fc.array(
    fc.oneof({ weight: 20, arbitrary: line }, { weight: 1, arbitrary: fc.constantFrom('\n', '\r\n', '') }),
    {
      maxLength: 12,
    },
  )
}

/** Breaks lines of more than `length` bytes like Haraka. */
export function brokenByHaraka(lines: readonly string[], length: number): string[] {
  return lines.flatMap(line => {
    const text = line.replace(/[\r\n]+$/, '')
    const pieces: string[] = []
    for (let rest = text; ; rest = ` ${rest.slice(length - 2)}`) {
      if (rest.length <= length - 2) return [...pieces, `${rest}\n`]
      pieces.push(`${rest.slice(0, length - 2)}\n`)
    }
  })
}
