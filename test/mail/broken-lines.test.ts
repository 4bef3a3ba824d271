import assert from 'node:assert/strict'
import fc from 'fast-check'
import { onWire, wireLimits } from '../../src/cli/explain/wire'
import { possibleBreaks, withoutBreaks } from '../../src/mail/broken-lines'

const LIMITS = wireLimits('')

/** The header's lines as Haraka has them. */
function atHaraka(...lines: string[]): string[] {
  return onWire(Buffer.from(`${lines.join('\r\n')}\r\n\r\nbody\r\n`), LIMITS).headerLines
}

function whole(...lines: string[]): string[] {
  return lines.map(line => `${line}\n`)
}

describe("Lines that Haraka's line length may have broken", () => {
  it('are whole again, also within a word and after several breaks', () => {
    for (const length of [991, 992, 1978, 1979, 1980, 5000]) {
      const line = `To: ${'a'.repeat(length - 4)}`
      const broken = atHaraka('Subject: s', line, 'From: a@b.example')
      assert.ok(broken.length > 3)
      assert.deepEqual(withoutBreaks(broken), whole('Subject: s', line, 'From: a@b.example'))
    }
  })

  it('are left as they are where none is long enough, without a copy', () => {
    const lines = atHaraka(`To: ${'a'.repeat(986)}`, 'From: a@b.example', ' x', `X: ${'y'.repeat(980)}`, ' z')
    assert.equal(withoutBreaks(lines), lines)
  })

  it('count bytes, so that a break behind 990 bytes of umlauts is found', () => {
    const line = `To: ${'ä'.repeat(600)}`
    assert.deepEqual(withoutBreaks(atHaraka(line)), whole(line))
  })

  it('are whole again but for a character that the break divided', () => {
    const [joined, ...rest] = withoutBreaks(atHaraka(`To: x${'ä'.repeat(600)}`))
    assert.deepEqual(rest, [])
    assert.match(joined ?? '', /^To: xä{492}\ufffd+ä{107}\n$/)
  })

  it('are found when Haraka decodes bytes as characters', () => {
    const bytes = Buffer.from(`To: ${'ä'.repeat(600)}`).toString('latin1')
    const broken = [`${bytes.slice(0, 990)}\n`, ` ${bytes.slice(990)}\n`]
    assert.deepEqual(withoutBreaks(broken), [`${bytes}\n`])
  })

  it('are found when they begin with a dot, which stands twice on the wire', () => {
    const line = `.To: ${'a'.repeat(1200)}`
    assert.deepEqual(withoutBreaks(atHaraka(line)), whole(line))
  })

  it("follow Haraka's configuration", () => {
    const line = `To: ${'a'.repeat(300)}`
    const limits = wireLimits('[max]\ndata_line_length = 200\n')
    const broken = onWire(Buffer.from(`${line}\r\n\r\n`), limits).headerLines
    assert.deepEqual(withoutBreaks(broken, 200), whole(line))
    assert.equal(withoutBreaks(broken), broken)
  })

  it('may be folds of the sender, since these look the same', () => {
    const lines = whole(`To: ${'a'.repeat(986)}`, ' b@c.example')
    assert.deepEqual([...possibleBreaks(lines)], [0])
    const [joined] = withoutBreaks(lines)
    assert.ok(joined?.endsWith('ab@c.example\n'))
  })

  it('are whole again whatever they hold', () => {
    const unit = fc.constantFrom('a', ' ', '.', 'ä', '€', '😀', '\t', '"')
    const length = fc.integer({ min: 1, max: 4000 })
    const property = fc.property(fc.string({ unit, minLength: 1, maxLength: 40 }), length, (piece, times) => {
      const line = `X:${piece.repeat(Math.ceil(times / piece.length))}`
      const joined = withoutBreaks(atHaraka('From: a@b.example', line))
      assert.equal(joined.length, 2)
      const expected = `${line}\n`
      // a divided character can't be put together again
      if (!joined[1]?.includes('\ufffd')) assert.equal(joined[1], expected)
    })
    fc.assert(property, { numRuns: 500 })
  })
})
