import assert from 'node:assert/strict'
import fc from 'fast-check'
import { composed } from '../../src/mail/composed'
import { cpuMs } from '../cpu-time'

const ACUTE = '\u0301'
const CEDILLA = '\u0327'

describe("Unicode's composed form", () => {
  it('is NFC for text with no more than thirty marks in a row', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom(
        'a',
        'ö',
        'ö'.normalize('NFD'),
        ACUTE,
        CEDILLA,
        '\u0344',
        '각'.normalize('NFD'),
        '\u{1D165}',
      ),
    )
    const text = fc.array(unit, { maxLength: 20 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(
        text.filter(one => !/\p{M}{31}/u.test(one)),
        one => assert.equal(composed(one), one.normalize('NFC')),
      ),
      { numRuns: 2000, seed: 1 },
    )
    assert.equal(composed(`a${ACUTE.repeat(30)}`), `a${ACUTE.repeat(30)}`.normalize('NFC'))
  })

  it('is NFC for each character behind a letter, and behind what a Korean vowel or consonant joins', () => {
    for (let point = 0; point < 0x110000; point++) {
      const character = String.fromCodePoint(point)
      if (/[\p{Cs}\p{Co}\p{Cn}]/u.test(character)) continue
      for (const text of [`a${character}`, `\u1100${character}\uac00${character}`])
        if (composed(text) !== text.normalize('NFC')) assert.fail(point.toString(16))
    }
  })

  it('has a joiner after every thirtieth mark of a longer run, as UAX #15 requires', () => {
    const marks = composed(`x${CEDILLA.repeat(65)}y`)
    assert.equal(marks, `x${[30, 30, 5].map(count => CEDILLA.repeat(count)).join('\u034f')}y`)
    const astral = composed('\u{1D165}'.repeat(31))
    assert.equal(astral, `${'\u{1D165}'.repeat(30)}\u034f\u{1D165}`)
  })

  it('is the same for equal texts that are written in other orders, up to thirty marks', () => {
    const [one, other] = [ACUTE + CEDILLA, CEDILLA + ACUTE].map(marks => composed(`a${marks}`.repeat(3)))
    assert.equal(one, other)
  })

  it('of marks in the wrong order takes time in proportion to their number', () => {
    composed(ACUTE)
    const text = (marks: number) => `a${ACUTE.repeat(marks)}${CEDILLA.repeat(marks)}`
    const many = text(360_000)
    const tookMs = cpuMs(1000, () => composed(many))
    // native NFC takes 25 s for so many
    assert.ok(tookMs < 1000, `${tookMs} ms`)
  })
})
