import assert from 'node:assert/strict'
import { readContent } from '../../src/mail/content'
import { UnreadableError } from '../../src/mail/unreadable'
import { cpuMs } from '../cpu-time'

const LIMIT = 10_000
const SMALL_BYTES = 200_000
const TIMES = 8

const nested = (fields: (level: number) => string) =>
  Array.from({ length: 60 }, (_, level) => `${fields(level)}\r\n\r\n--b${level}x\r\n`).join('')

/** Header and body; the last is repeated as often as makes the mail long. */
const HOSTILE: Record<string, [begin: string, piece: string]> = {
  'lines of dashes in 60 multiparts': [
    nested(level => `Content-Type: multipart/mixed; boundary=b${level}x`),
    '\n--',
  ],
  'lines that are nearly one of 60 boundaries': [
    nested(level => `Content-Type: multipart/mixed; boundary=b${level}x`),
    '\n--b1',
  ],
  'multiparts without their boundaries': [nested(() => 'Content-Type: multipart/mixed; boundary=no'), '\n--'],
  "a part's header without an end": [
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n',
    'To: a,a,a,a\r\n',
  ],
  "a part's header without a colon": ['Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n', 'a\r\n'],
  'lines of base64 of different lengths': [
    'Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    'AA\r\nAAA\r\n',
  ],
  'codings of quoted-printable that are none': [
    'Content-Type: a/b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
    '=',
  ],
  'blanks behind a sign of quoted-printable': [
    'Content-Transfer-Encoding: quoted-printable\r\n\r\n',
    `=${' '.repeat(500)}`,
  ],
  'characters that nobody sees': ['Content-Type: text/html\r\n\r\n', '&zwnj;'],
  'folded lines': ['Content-Type: text/html\r\n\r\n<!--', '\r\n '],
  'links and a long base': [
    `Content-Type: text/html\r\n\r\n<base href="http://b.example/${'x'.repeat(10_000)}">`,
    '<a href="p"></a>',
  ],
  'commands of text/enriched': ['Content-Type: text/enriched\r\n\r\n', '<param>'],
  'files in the lines of a text': ['Content-Type: text/plain\r\n\r\n', 'begin 644 a\r\n#9VEF\r\n'],
  'files that begin and go on': ['Content-Type: text/plain\r\n\r\n', 'begin 644 a\r\nbegin'],
  'lines of uuencode': ['Content-Transfer-Encoding: x-uuencode\r\n\r\n', '#9VEF\r\n'],
  'headers of files in an archive': [
    'Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: binary\r\n\r\n',
    'PK\x03\x04'.padEnd(26, '\0') + '\x01\0'.padEnd(6, '\0'),
  ],
  'attributes of a winmail.dat': [
    'Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: binary\r\n\r\n\x78\x9f\x3e\x22\0\0',
    '\x02\x02\x90\x06\0\0\0\0\0\0\0',
  ],
  'texts in a winmail.dat': [
    'Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: binary\r\n\r\n\x78\x9f\x3e\x22\0\0',
    `\x01\x03\x90\x06\0\x2c\0\0\0\x01\0\0\0\x02\x01\x09\x10\x01\0\0\0\x1b\0\0\0${'MELA'.padStart(12, '\0').padEnd(28, '{')}\0\0`,
  ],
  'groups of RTF': ['Content-Type: text/rtf\r\n\r\n{\\rtf1 ', '{'],
  'words of RTF': ['Content-Type: text/rtf\r\n\r\n{\\rtf1 ', "\\f1\\'41"],
  'notes of BinHex': ['Content-Type: text/plain\r\n\r\n', 'must be converted with BinHex :!"#'],
  'headers that end at bare CRs': ['Content-Type: message/rfc822\r\r', 'Content-Type: message/rfc822\r\r'],
  'mails in each other whose headers have no clear end': [
    'Content-Type: message/rfc822\r\nstray\r\nX: y\r\n\r\n'.repeat(6),
    'begin x\r\n',
  ],
  'fields behind bare CRs': ['Content-Type: text/plain', '\rcontent-type: a'],
  'lines of an appointment': ['Content-Type: text/calendar\r\n\r\n', '\r\n \\n'],
  'signs of ISO 2022': ['Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n', '\x1b$B\x1b(B'],
  'text from right to left': ['Content-Type: text/plain; charset=utf-8\r\n\r\n', '\u202ea'],
  'letters that look like others': ['Content-Type: text/plain; charset=utf-8\r\n\r\n', 'е\u0332'],
  'text in UTF-7': ['Content-Type: text/plain; charset=utf-7\r\n\r\n', '+ADw-'],
}

const NOT_BYTES = /[^\0-\xff]/

describe('the content of a mail that is made to be hard to read', () => {
  for (const [what, [begin, piece]] of Object.entries(HOSTILE)) {
    it(`takes time in proportion to the mail: ${what}`, () => {
      const readMs = (enoughMs: number, bytes: number) => {
        const mail = begin + piece.repeat(Math.ceil(bytes / piece.length))
        const raw = Buffer.from(mail, NOT_BYTES.test(piece) ? 'utf8' : 'latin1')
        return cpuMs(enoughMs, () => {
          try {
            readContent(raw, LIMIT, true)
          } catch (error) {
            assert.ok(error instanceof UnreadableError)
          }
        })
      }
      readMs(0, SMALL_BYTES)
      const smallMs = readMs(0, SMALL_BYTES)
      // quadratic would be 64 times the time
      const limitMs = 25 * Math.max(smallMs, 5)
      const largeMs = readMs(limitMs, SMALL_BYTES * TIMES)
      assert.ok(largeMs < limitMs, `${smallMs} ms, then ${largeMs} ms`)
    })
  }

  it('is refused where names or parameters are more than any program writes', () => {
    const refused: Record<string, string> = {
      [`Content-Type: a/b; ${'a=b;'.repeat(10_000)}`]: 'a field of a part has more than 200 parameters',
      [`Content-Type: a/b; name=${'a'.repeat(5000)}`]: 'a file name has more than 4096 characters',
      [`Content-Type: a/b;\r\n ${'a'.repeat(70_000)}`]:
        'the header of a part describes it in more than 64 KB',
    }
    for (const [fields, reason] of Object.entries(refused))
      assert.throws(() => readContent(Buffer.from(`${fields}\r\n\r\nx`), LIMIT), new UnreadableError(reason))
  })
})
