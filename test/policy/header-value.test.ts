import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseHeaderValue } from '../../src/policy/header-value'

describe('parseHeaderValue', () => {
  it('reads keyword and parameters, over comments and quotes', () => {
    const { value, parameters } = parseHeaderValue(
      '(a (nested \\) ; one)) Multipart/Report (x); Report-Type="Delivery-\\Status"; boundary="a;b" ; report-type=x',
    )
    assert.equal(value, 'multipart/report')
    assert.deepEqual(
      [...parameters],
      [
        ['report-type', 'delivery-status'],
        ['boundary', 'a;b'],
      ],
    )
  })

  it('ends with the text where something is not closed', () => {
    assert.equal(parseHeaderValue('auto-replied (open').value, 'auto-replied')
    assert.equal(parseHeaderValue('"auto-replied; x').value, 'auto-replied; x')
    assert.equal(parseHeaderValue(') auto-replied').value, ') auto-replied')
  })

  it('never throws', () => {
    const piece = fc.constantFrom('(', ')', '"', '\\', ';', '=', 'a', ' ')
    fc.assert(
      fc.property(fc.array(piece), parts =>
        assert.equal(typeof parseHeaderValue(parts.join('')).value, 'string'),
      ),
    )
  })
})
