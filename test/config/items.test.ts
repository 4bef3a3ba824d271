import assert from 'node:assert/strict'
import fc from 'fast-check'
import { splitItems, wholeValue } from '../../src/config/items'

const texts = (raw: string): string[] => splitItems(raw).items.map(({ text }) => text)

describe('splitItems', () => {
  it('splits at commas and ends at a comment', () => {
    assert.deepEqual(texts('a, b c ,d ; note, e'), ['a', 'b c', 'd'])
    assert.deepEqual(texts(''), [])
    assert.deepEqual(texts('; note'), [])
    assert.deepEqual(texts('a,, b,'), ['a', 'b'])
  })

  it('keeps commas and semicolons in quotes, between slashes and behind a backslash', () => {
    assert.deepEqual(splitItems('"a, \\"b\\" ; c", /d,\\/e ; f/c, g\\,h \\; i, 10.0.0.0/8'), {
      items: [
        { text: 'a, "b" ; c', form: 'quoted', flags: '' },
        { text: 'd,/e ; f', form: 'regex', flags: 'c' },
        { text: 'g,h ; i', form: 'plain', flags: '' },
        { text: '10.0.0.0/8', form: 'plain', flags: '' },
      ],
    })
  })

  it('says what is missing', () => {
    assert.equal(splitItems('"a, b').fault, 'the closing " is missing after "a, b')
    assert.equal(splitItems('a, /b').fault, 'the closing / is missing after /b')
    assert.equal(splitItems('"a" b').fault, 'a comma is missing before "b"')
  })

  it('gives back any texts that were quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), wanted => {
        const raw = wanted.map(text => `"${text.replace(/["\\]/g, '\\$&')}"`).join(', ')
        const { items, fault } = splitItems(raw)
        assert.equal(fault, undefined)
        assert.deepEqual(
          items.map(({ text }) => text),
          wanted,
        )
      }),
    )
  })

  it('never throws', () => {
    const piece = fc.constantFrom('"', '/', '\\', ',', ';', ' ', 'a', '\n')
    fc.assert(
      fc.property(fc.array(piece), parts => {
        const { items, fault } = splitItems(parts.join(''))
        assert(items.every(({ text, form }) => text !== '' || form !== 'plain'))
        assert(fault === undefined || fault !== '')
      }),
    )
  })
})

describe('wholeValue', () => {
  it('ends at a comment and keeps everything else', () => {
    assert.equal(wholeValue('No, "never"; sorry ; note'), 'No, "never"; sorry')
    assert.equal(wholeValue('a \\; b'), 'a ; b')
    assert.equal(wholeValue('; note'), '')
  })
})
