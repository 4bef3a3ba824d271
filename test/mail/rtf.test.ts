import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decompressedRtf } from '../../src/mail/mime/compressed-rtf'
import { rtfText } from '../../src/mail/mime/rtf-text'
import { cpuMs } from '../cpu-time'

/** [MS-OXRTFCP] sections 3.1.1 and 3.1.2. */
const SIMPLE = Buffer.from(
  '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0',
  'hex',
)
const OVERLAPPING = Buffer.from('1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', 'hex')

const decompressed = (bytes: Buffer, most = 1000) => decompressedRtf(bytes, most)?.rtf.toString('latin1')

describe('compressed RTF', () => {
  it('is decompressed as the examples of its standard', () => {
    assert.equal(decompressed(SIMPLE), '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n')
    assert.equal(decompressed(OVERLAPPING), '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}')
  })

  it('is cut at a limit, and says so', () => {
    assert.deepEqual(decompressedRtf(SIMPLE, 10), { rtf: Buffer.from('{\\rtf1\\ans'), isCut: true })
    assert.equal(decompressedRtf(SIMPLE, 43)?.isCut, false)
  })

  it('of any bytes is some text, or none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(5000), (bytes, most) => {
        const whole = Buffer.concat([SIMPLE.subarray(0, 16), bytes])
        const found = decompressedRtf(whole, most)
        assert.ok(found !== undefined && found.rtf.length <= most)
      }),
    )
  })
})

describe('the text of RTF', () => {
  const shown: [what: string, rtf: string, text: string][] = [
    ['is without commands', '{\\rtf1\\ansi gi\\b ft\\b0  card\\par x\\tab y}', 'gift card\nx\ty'],
    [
      'is without tables and pictures',
      '{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\pict 01ff}{\\*\\generator z;}gift}',
      'gift',
    ],
    ['is without hidden text', '{\\rtf1 gi{\\v xx}f\\v y\\v0 t}', 'gift'],
    ['is decoded by its code page', "{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0\\'e8}", 'При'],
    [
      'is decoded by the charset of its font',
      "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 A;}{\\f1\\fcharset204 B;}}\\f1\\'cf\\f0\\'e9}",
      'Пé',
    ],
    ['joins the bytes of a character', "{\\rtf1\\ansicpg932 \\'93\\'fa\\'96{}x}", '日\ufffdx'],
    [
      'has Unicode without what stands for it',
      "{\\rtf1\\uc1 \\u1055?\\u-4051\\'3f{\\uc0\\u8364 }x}",
      'П\uf02d€x',
    ],
    [
      'has the target of a link',
      '{\\rtf1{\\field{\\*\\fldinst {HYPERLINK "https://shop.example/"}}{\\fldrslt shop}}}',
      ' [https://shop.example/] shop',
    ],
    ['has signs that are escaped', '{\\rtf1 a\\{b\\}\\\\c\\~d\\_e\\-f}', 'a{b}\\c d-ef'],
    ['skips binary data', '{\\rtf1 a\\bin3 }}}b}', 'ab'],
  ]
  for (const [what, rtf, text] of shown)
    it(what, () => assert.deepEqual(rtfText(rtf), { text, isHtml: false }))

  it('is the HTML that it was made of', () => {
    const rtf =
      '{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 a < b{\\*\\htmltag84 <b>}\\htmlrtf {\\b\\htmlrtf0 c}\\htmlrtf \\par}\\htmlrtf0 }'
    assert.deepEqual(rtfText(rtf), { text: '<p>a &lt; b<b>c', isHtml: true })
  })

  it('takes time in proportion to its length', () => {
    const hostile = [
      '{',
      '}',
      "\\'41",
      '\\u1 ',
      '\\f1',
      '{\\*\\fldinst ',
      '\\v',
      '{\\fonttbl',
      '\\htmlrtf',
      '\x80',
      '\\ ',
    ]
    for (const piece of hostile) {
      const rtf = `{\\rtf1\\fromhtml1${piece.repeat(1_000_000 / piece.length)}`
      assert.ok(cpuMs(1500, () => rtfText(rtf)) < 1500, piece)
    }
  })

  it('is some text for any bytes', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '\\',
      "\\'",
      '\\u',
      '\\bin',
      '\\*',
      '\\fonttbl',
      '\\f1',
      '-1',
      ' ',
      'x',
      '\xff',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
        assert.equal(typeof rtfText(pieces.join('')).text, 'string')
      }),
    )
  })
})
