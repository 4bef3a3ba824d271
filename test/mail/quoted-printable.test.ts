import assert from 'node:assert/strict'
import fc from 'fast-check'
import { QuotedPrintableDecoder, quotedPrintableSize } from '../../src/mail/mime/quoted-printable'

/** RFC 2045 section 6.7, one expression for each kind of escape, as slow as that is. */
function model(coded: string): string {
  return coded.replace(/=(?:([0-9A-F]{2})|[ \t]{0,999}(?:\r\n|\r|\n|$))/gi, (_, digits?: string) =>
    digits === undefined ? '' : String.fromCharCode(Number.parseInt(digits, 16)),
  )
}

function decoded(chunks: readonly Buffer[]): string {
  const decoder = new QuotedPrintableDecoder()
  return Buffer.concat([...chunks.map(chunk => decoder.write(chunk)), decoder.end()]).toString('latin1')
}

describe('quoted-printable', () => {
  const coded = fc
    .array(
      fc.constantFrom(
        '=',
        '=\r\n',
        '=\n',
        '=\r',
        '= \t\r\n',
        '=3D',
        '=e4',
        '=C3=A4',
        '=G1',
        '=1',
        'a',
        'F',
        '0',
        ' ',
        '\r',
        '\n',
        'é',
      ),
      { maxLength: 30 },
    )
    .map(parts => parts.join(''))

  it('is decoded in the same way in any chunks, and faulty escapes stay as they are', () => {
    fc.assert(
      fc.property(coded, fc.nat({ max: 40 }), (text, at) => {
        const bytes = Buffer.from(text, 'latin1')
        assert.equal(decoded([bytes]), model(text))
        assert.equal(decoded([bytes.subarray(0, at), bytes.subarray(at)]), model(text))
      }),
      {
        numRuns: 3000,
        examples: [
          ['a=', 2],
          ['a=\r', 3],
          ['=3', 1],
          ['=3D=\r\n', 4],
          ['=\r\n=', 1],
          ['=G1=C3', 5],
        ],
      },
    )
  })

  it('has the size of its decoded bytes', () => {
    fc.assert(
      fc.property(coded, text =>
        assert.equal(quotedPrintableSize(Buffer.from(text, 'latin1')), model(text).length),
      ),
      { numRuns: 1000, examples: [['='], ['=3'], ['=\r']] },
    )
  })
})
