import assert from 'node:assert/strict'
import fc from 'fast-check'
import addressparser from 'nodemailer/lib/addressparser'
import { eachMailbox } from '../../src/mail/mailboxes'

function addressesIn(text: string): string[] {
  return addressparser(text, { flatten: true })
    .map(({ address }) => address)
    .filter(address => address.includes('@'))
}

function pieces(text: string): string[] {
  const all: string[] = []
  eachMailbox(text, piece => {
    all.push(piece)
    return true
  })
  return all
}

describe('an address field in pieces', () => {
  it('has one piece for each mailbox, and none for what holds no address', () => {
    assert.deepEqual(pieces('a, b <c@x.example>, "d, e" <f@x.example>; g (h, i@x.example) @x.example,,'), [
      ' b <c@x.example>',
      ' "d, e" <f@x.example>',
      ' g (h, i@x.example) @x.example',
    ])
    assert.deepEqual(pieces('nobody, at all'), [])
  })

  it('ends when it is told to', () => {
    const seen: string[] = []
    eachMailbox('a@b, c, d@e, f@g', piece => {
      seen.push(piece)
      return seen.length < 2
    })
    assert.deepEqual(seen, ['a@b', ' d@e'])
  })

  it('holds the same addresses as the whole, well formed or not', () => {
    const unit = fc.constantFrom(
      'a@b.example',
      'c@d.example',
      '<e@f.example>',
      '"q, r" ',
      'g: ',
      'x',
      ' ',
      '[1]',
      ',',
      ';',
      ':',
      '"',
      '\\',
      '<',
      '>',
      '(',
      ')',
      '@',
    )
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), text => {
        assert.deepEqual(pieces(text).flatMap(addressesIn), addressesIn(text))
      }),
      { numRuns: 5000, seed: 1 },
    )
  })
})
