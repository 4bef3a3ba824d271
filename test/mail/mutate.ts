// Makes hostile mails of the corpus: bytes changed, pieces left out, repeated, taken from another mail, or put in that mean
// something to a reader. Equal seeds make equal mails.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Pick, pseudoRandom } from '../../bench/text'

const FOLDER = path.join(__dirname, 'corpus')
/** Some mails are larger, so that they are read in several chunks. */
const LARGE_BYTES = 200_000
const USUAL_BYTES = 6000

const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' \t',
  '--b\r\n',
  '--b--\r\n',
  '--',
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
  'Content-Type: multipart/digest; boundary="b"\r\n\r\n',
  'Content-Type: message/rfc822\r\n\r\n',
  'Content-Type: text/html; charset=utf-16\r\n\r\n',
  'Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n',
  'Content-Type: text/enriched\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  'Content-Transfer-Encoding: quoted-printable\r\n',
  'Content-Transfer-Encoding: x-uuencode\r\n',
  "Content-Disposition: attachment; filename*0*=utf-8''%e2; filename*1=a; filename=b\r\n",
  'Content-Type: application/ms-tnef; name=winmail.dat\r\n',
  'Content-Type: application/zip; name=a.zip\r\n',
  '; charset=iso-2022-jp',
  '; charset=hz-gb-2312',
  '; charset=utf-7',
  '; boundary=b',
  '=?utf-8?q?=41?=',
  '=?x?b?',
  'begin 644 a.exe\r\n',
  '=ybegin name=a\r\n',
  'end\r\n',
  'PK\x03\x04',
  'PK\x01\x02',
  'PK\x05\x06',
  '\x78\x9f\x3e\x22',
  '<a href="',
  '<base href=//x>',
  '<!--[if mso]>',
  '-->',
  '<style>',
  '</style',
  '<bdo dir=rtl>',
  '<img alt=',
  '&#',
  '&am',
  '&zwnj;',
  '"',
  "'",
  '(',
  '\\',
  '=',
  '=\r\n',
  '%',
  '~{',
  '\x1b$B',
  '\x0e',
  '+AD',
  '\xe2\x80\xae',
  '\xe2\x80\x8b',
  '\xcc\x81',
  '\xd0\xb5',
  '\xf0\x9f',
  '\0',
  '\xff\xfe',
  '\r\r',
  '\rContent-Type: text/html\r',
  'Content-Type: text/calendar\r\n',
  'Content-Type: text/rtf\r\n\r\n{\\rtf1',
  '{\\*\\htmltag ',
  '{\\fonttbl{\\f0\\fcharset128',
  "\\'93",
  '\\u55357?',
  '\\bin9',
  'LZFu',
  'must be converted with BinHex\r\n:',
]

const corpus = readdirSync(FOLDER)
  .filter(file => file.endsWith('.eml'))
  .map(file => readFileSync(path.join(FOLDER, file)))

export function mutatedMail(seed: number): Buffer {
  const pick = pseudoRandom(seed)
  const most = pick(500) === 0 ? LARGE_BYTES : USUAL_BYTES
  let mail = one(pick)
  for (let changes = 1 + pick(6); changes > 0; changes--) mail = changed(mail, pick).subarray(0, most)
  return mail
}

function one(pick: Pick): Buffer {
  return corpus[pick(corpus.length)] ?? Buffer.alloc(0)
}

function changed(mail: Buffer, pick: Pick): Buffer {
  const from = pick(mail.length + 1)
  const to = Math.min(mail.length, from + pick(pick(3) === 0 ? 2000 : 40))
  const cut = (middle: Buffer) => Buffer.concat([mail.subarray(0, from), middle, mail.subarray(to)])
  switch (pick(7)) {
    case 0:
      return cut(Buffer.alloc(0))
    case 1:
      return cut(Buffer.from(Array.from({ length: 1 + pick(4) }, () => pick(256))))
    case 2:
      return cut(repeated(mail.subarray(from, to), pick))
    case 3:
      return cut(repeated(Buffer.from(PIECES[pick(PIECES.length)] ?? '', 'latin1'), pick))
    case 4: {
      const other = one(pick)
      const at = pick(other.length)
      return cut(other.subarray(at, at + pick(other.length)))
    }
    case 5:
      return Buffer.concat([mail, one(pick)])
    default:
      return cut(Buffer.from(PIECES[pick(PIECES.length)] ?? '', 'latin1'))
  }
}

function repeated(piece: Buffer, pick: Pick): Buffer {
  const times = pick(20) === 0 ? pick(20_000) : pick(20)
  const most = Math.max(1, Math.floor(LARGE_BYTES / Math.max(1, piece.length)))
  return Buffer.concat(Array.from({ length: Math.min(times, most) }, () => piece))
}
