import assert from 'node:assert/strict'
import fc from 'fast-check'
import { mimeFields } from '../../src/mail/mime-fields'

const fieldsOf = (raw: string) => {
  const { fields, bodyAt } = mimeFields(Buffer.from(raw, 'latin1'))
  return [Buffer.concat(fields).toString('latin1'), raw.slice(bodyAt)]
}

describe('the fields that describe a body', () => {
  it('are kept whole, and no others', () => {
    assert.deepEqual(
      fieldsOf(
        'Received: a\r\n b\r\nCONTENT-type: x;\r\n\tname=y\r\nSubject: Content-Type: z\r\nContent-ID: <1>\r\n\r\nContent-Type: body',
      ),
      ['CONTENT-type: x;\r\n\tname=y\r\nContent-ID: <1>\r\n', '\r\nContent-Type: body'],
    )
    assert.deepEqual(fieldsOf('Content-Type : x\nA: b\n\nbody'), ['Content-Type : x\n', '\nbody'])
  })

  it('may be all that there is, or nothing', () => {
    assert.deepEqual(fieldsOf(''), ['', ''])
    assert.deepEqual(fieldsOf('\r\nbody'), ['', '\r\nbody'])
    assert.deepEqual(fieldsOf(' Content-Type: a fold of nothing\r\n\r\n'), ['', '\r\n'])
    assert.deepEqual(fieldsOf('Content-Type: x'), ['Content-Type: x', ''])
  })

  it('are lines of the header, and the body begins at its first empty line, of any bytes', () => {
    const piece = fc.constantFrom(
      'Content-Type: x',
      'A: b',
      ' fold',
      '\t',
      '\r',
      '\r\n',
      '\n',
      'content-',
      '',
    )
    fc.assert(
      fc.property(fc.array(piece), pieces => {
        const raw = pieces.join('')
        const [fields = '', body = ''] = fieldsOf(raw)
        const header = raw.slice(0, raw.length - body.length)
        assert(header === '' || body === '' || header.endsWith('\n'))
        assert(!/(?:^|\n)\r?\n/.test(header))
        assert(body === '' || /^\r?\n/.test(body))
        const lines = header.match(/[^\n]*\n|[^\n]+$/g) ?? []
        let isKept = false
        const kept = lines.filter(line => {
          if (!/^[ \t]/.test(line)) isKept = /^content-/i.test(line)
          return isKept
        })
        assert.equal(fields, kept.join(''))
      }),
      { numRuns: 1000 },
    )
  })
})
