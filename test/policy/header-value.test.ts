import assert from 'node:assert/strict'
import fc from 'fast-check'
import { elementsOf } from '../../src/policy/header-value'

describe('the elements of a header value', () => {
  it('are parted by commas and semicolons, without comments and quotes', () => {
    assert.deepEqual(
      elementsOf(
        '(a (nested \\) ; one)) Multipart/Report (x); Report-Type="Delivery-\\Status"; boundary="a;b,c"',
      ),
      [' multipart/report ', ' report-type=delivery-status', ' boundary=a;b,c'],
    )
    assert.deepEqual(elementsOf('bulk, list'), ['bulk', ' list'])
    assert.deepEqual(elementsOf(''), [''])
  })

  it('hold the text of a comment that is not closed, as it is none', () => {
    assert.deepEqual(elementsOf('no (open, auto-replied (x)'), ['no open', ' auto-replied (x)'])
    assert.deepEqual(elementsOf(') auto-replied'), [') auto-replied'])
  })

  it('end with the text where a quote is not closed', () => {
    assert.deepEqual(elementsOf('"auto-replied; x'), ['auto-replied; x'])
  })

  it('lose no letter outside comments', () => {
    const piece = fc.constantFrom('"', '\\', ';', ',', '=', 'a', 'b', ' ')
    fc.assert(
      fc.property(fc.array(piece), pieces => {
        const letters = (text: string) => text.replace(/[^ab]/g, '')
        assert.equal(letters(elementsOf(pieces.join('')).join('')), letters(pieces.join('')))
      }),
    )
  })
})
