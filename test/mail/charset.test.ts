import assert from 'node:assert/strict'
import { textDecoding } from '../../src/mail/mime/charset'
import { UnreadableError } from '../../src/mail/unreadable'

/** A label, bytes as Latin-1, and the text. */
const TEXTS: [label: string, bytes: string, text: string][] = [
  ['hz-gb-2312', 'Hello ~{<:Ky2;NpJ)~} ~~x~\r\nbye', 'Hello 己所不勿施 ~xbye'],
  ['iso-2022-kr', '\x1b$)Cx \x0e>H3g\x0f ok', 'x 안녕 ok'],
  ['iso-2022-jp', '\x1b$B%F%9%H\x1b(B gift', 'テスト gift'],
  ['', '\x1b$B%F%9%H\x1b(B gift', 'テスト gift'],
  ['iso-2022-jp-2', '\x1b$A<:Ky\x1b$(C>H3g\x1b(B gift', '己所안녕 gift'],
  ['iso-2022-cn', '\x1b$)A\x0e<:Ky\x0f gift', '己所 gift'],
  ['cp50220', '\x1b(I12\x1b(B x', 'ｱｲ x'],
  ['iso-2022-jp-1', '\x1b$(D0!\x1b(Bx', '丂x'],
  ['utf-7', 'a +APwA5A-x, 1+-1 +ZeVnLIqe- b', 'a üäx, 1+1 日本語 b'],
  ['utf-8', 'gr\xc3\xbc\xc3\x9fe \xf0\x9f\x98\x80 \xff', 'grüße 😀 \ufffd'],
  ['gb18030', '\x811\x810\xb0\xa1', '\u060a啊'],
  ['ks_c_5601-1987', '\xb0\xa1', '가'],
]

describe('the text of bytes in a charset', () => {
  for (const [label, bytes, text] of TEXTS) {
    it(`is the same however its chunks are cut: ${label || 'no charset'}, ${JSON.stringify(text)}`, () => {
      const all = Buffer.from(bytes, 'latin1')
      for (const length of [all.length, 1, 2, 3, 5, 7]) {
        const decoding = textDecoding(label)
        let read = ''
        for (let at = 0; at < all.length; at += length) read += decoding.write(all.subarray(at, at + length))
        assert.equal(read + decoding.end(), text, String(length))
      }
    })
  }

  it('is refused where it has characters of a set that few programs know', () => {
    for (const [label, bytes] of [
      ['iso-2022-cn', '\x1b$)G\x0eG(_P\x0f'],
      ['euc-tw', '\xa4\xa4'],
      ['x-none', '\xff'],
    ] as const) {
      const decoding = textDecoding(label)
      assert.throws(() => decoding.write(Buffer.from(bytes, 'latin1')) + decoding.end(), UnreadableError)
    }
  })
})
