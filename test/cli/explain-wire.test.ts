import assert from 'node:assert/strict'
import fc from 'fast-check'
import { onWire, type WireLimits, wireLimits } from '../../src/cli/explain/wire'

const LIMITS = wireLimits('')

describe('a mail from a file, as Haraka would have it', () => {
  it('has the lines of its header, each with a line feed, whatever ends them', () => {
    for (const end of ['\n', '\r\n']) {
      const { headerLines } = wire(`Subject: a${end} b${end}To: c${end}${end}not: header${end}`)
      assert.deepEqual(headerLines, ['Subject: a\n', ' b\n', 'To: c\n'])
    }
  })

  it('counts CRLF, stuffed dots and the final dot, as Haraka does', () => {
    assert.equal(wire('A: b\n\nxy\n').sizeBytes, 4 + 2 + 2 + 2 + 2 + 3)
    assert.equal(wire('A: b\r\n\r\nxy\r\n').sizeBytes, wire('A: b\n\nxy\n').sizeBytes)
    assert.equal(wire('A: b\n\n.x\n.\n').sizeBytes, wire('A: b\n\nyx\ny\n').sizeBytes + 2)
    assert.equal(wire('A: b\n\nxy').sizeBytes, wire('A: b\n\nxy\n').sizeBytes)
  })

  it('has its own dots back', () => {
    assert.equal(wire('.A: b\n\n.x').data().toString(), '.A: b\r\n\r\n.x\r\n')
    assert.deepEqual(wire('.A: b\n\n').headerLines, ['.A: b\n'])
  })

  it('has long lines broken with a blank', () => {
    const { headerLines, sizeBytes, data } = wire(`A: ${'x'.repeat(3000)}\n\n`)
    assert.deepEqual(
      headerLines.map(line => line.length),
      [991, 991, 991, 3003 - 990 - 989 - 989 + 2],
    )
    assert.ok(headerLines.slice(1).every(line => line.startsWith(' x')))
    assert.equal(sizeBytes, 3003 + 2 + 3 * 3 + 2 + 3)
    assert.equal(data().length, sizeBytes - 3)
  })

  it('has lines unbroken that are as long as may be, with their stuffed dot', () => {
    const linesOf = (line: string) => wire(`A: b\n\n${line}\n`).data().toString().split('\r\n').length - 3
    assert.deepEqual([linesOf('x'.repeat(990)), linesOf('x'.repeat(991))], [1, 2])
    assert.deepEqual([linesOf(`.${'x'.repeat(988)}`), linesOf(`.${'x'.repeat(989)}`)], [1, 2])
  })

  it('ends its header without an empty line where a line is no field', () => {
    const { headerLines, data } = wire('A: b\n c\nbody\nB: c\n')
    assert.deepEqual(headerLines, ['A: b\n', ' c\n'])
    assert.equal(data().toString(), 'A: b\r\n c\r\n\r\nbody\r\nB: c\r\n')
    assert.deepEqual(wire('A: b').headerLines, ['A: b\n'])
    assert.equal(wire('A: b').data().toString(), 'A: b\r\n\r\n')
    assert.deepEqual(wire('body\nA: b\n').headerLines, [])
  })

  it('has so many header lines as Haraka looks at, less its own', () => {
    const many = 'A: b\n'.repeat(1500)
    assert.equal(wire(`${many}\n`).headerLines.length, 999)
    assert.equal(wire(`${many}\n`, wireLimits('[headers]\nmax_lines=10\n')).headerLines.length, 9)
  })

  it('has a header that is cut when Haraka may not have kept all of it', () => {
    const lines = (count: number) => wire(`${'A: b\n'.repeat(count)}\nbody\n`).headerIsCut
    assert.deepEqual([lines(998), lines(999), lines(1500)], [false, true, true])
    assert.equal(wire(`A: b\n${'body\n'.repeat(1500)}`).headerIsCut, false)
    const alone = wire(`${'A: b\n'.repeat(999)}\n`, wireLimits('[headers]\nadd_received=false\n'))
    assert.deepEqual([alone.headerLines.length, alone.headerIsCut], [999, false])
  })

  it('follows connection.ini', () => {
    assert.deepEqual(LIMITS, {
      lineBytes: 992,
      headerLines: 1000,
      ownLines: 1,
      received: 100,
      bytes: undefined,
    })
    const text = '[headers]\nmax_received=5\nmax_lines=0\n[max]\nbytes=1000\ndata_line_length=80\n'
    assert.deepEqual(wireLimits(text), {
      lineBytes: 80,
      headerLines: 1000,
      ownLines: 1,
      received: 5,
      bytes: 1000,
    })
  })

  it('is never lost and never too long a line, whatever it holds', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 4, max: 40 }), (raw, lineBytes) => {
        const mail = onWire(raw, { ...LIMITS, lineBytes })
        const data = mail.data().toString('latin1')
        const lines = data.split('\r\n')
        assert.ok(data === '' || data.endsWith('\r\n'))
        assert.ok(lines.every(line => line.length + (line.startsWith('.') ? 1 : 0) <= lineBytes - 2))
        const bare = (text: string) => text.replaceAll(/[\r\n ]/g, '')
        assert.equal(bare(data), bare(raw.toString('latin1')))
      }),
    )
  })

  it('of one line of many megabytes is made in a moment', () => {
    const mail = wire('x'.repeat(32 * 1024 ** 2))
    assert.ok(mail.sizeBytes > 32 * 1024 ** 2)
  })
})

const bytes = fc
  .array(fc.oneof(fc.constantFrom('\r', '\n', '\r\n', '.', ':', ' ', 'A: b', '\n\n'), fc.string()))
  .map(parts => Buffer.from(parts.join(''), 'latin1'))

function wire(text: string, limits: WireLimits = LIMITS) {
  return onWire(Buffer.from(text), limits)
}
