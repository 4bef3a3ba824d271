import assert from 'node:assert/strict'
import { isHeaderCut } from '../../src/haraka/header-limit'

const cut = (lines: number, max_lines?: unknown) =>
  isHeaderCut({
    header_lines: Array.from({ length: lines }, () => 'A: b\n'),
    cfg: { headers: { max_lines } },
  })

describe('the limit of header lines', () => {
  it('cuts a header of a thousand lines where connection.ini sets no limit', () => {
    assert.deepEqual([cut(999), cut(1000), cut(1000, 0)], [false, true, true])
    assert.equal(isHeaderCut({ header_lines: [] }), false)
  })

  it('is the one of connection.ini', () => {
    assert.deepEqual([cut(19, 20), cut(20, 20), cut(1500, 2000)], [false, true, false])
  })

  it('cuts every header when it is no number, as Haraka keeps no line then', () => {
    assert.equal(cut(0, 'many'), true)
  })
})
