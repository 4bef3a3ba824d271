import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Glob } from '../../src/policy/glob'
import { cpuMs } from '../cpu-time'
import { matcherOf } from './compiled-patterns'
import { globMatches } from './glob-model'

describe('Glob', () => {
  it('matches the whole text', () => {
    assert(new Glob('*.exe').matches('a.exe'))
    assert(!new Glob('*.exe').matches('a.exe.txt'))
    assert(new Glob('').matches(''))
    assert(!new Glob('?').matches(''))
    assert(new Glob('*').matches(''))
  })

  it('matches one character with ?, also beyond the basic plane', () => {
    assert(new Glob('a?b').matches('a😀b'))
    assert(new Glob('😀?').matches('😀😀'))
    assert(!new Glob('??').matches('😀'))
  })

  it('finds no half of a character', () => {
    const [high, low] = ['😀'.slice(0, 1), '😀'.slice(1)]
    for (const pattern of [`*${low}`, `${high}*`, `*${low}*`]) assert(!new Glob(pattern).matches('😀'))
    assert(new Glob(`*${low}`).matches(`x${low}`))
  })

  it('never uses a character for two parts', () => {
    assert(!new Glob('ab*ba').matches('aba'))
    assert(!new Glob('*ab*ba*').matches('xabax'))
    assert(new Glob('ab**ba').matches('abba'))
  })

  it('agrees with the definition', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?', '😀'), { maxLength: 8 })
    const text = fc.array(fc.constantFrom('a', 'b', '😀'), { maxLength: 8 })
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        assert.equal(new Glob(p.join('')).matches(t.join('')), globMatches(p, t))
      }),
      { numRuns: 2000 },
    )
  })

  it('agrees with the definition where the pattern is longer than a machine word', () => {
    const filler = 'x'.repeat(45)
    const side = fc.array(fc.constantFrom('a', '*', '?'), { maxLength: 5 })
    const text = fc.array(fc.constantFrom('a', 'b'), { maxLength: 5 })
    fc.assert(
      fc.property(side, side, text, text, (left, right, before, after) => {
        const matches = new Glob(left.join('') + filler + right.join('')).matches(
          before.join('') + filler + after.join(''),
        )
        assert.equal(matches, globMatches(left, before) && globMatches(right, after))
      }),
    )
  })

  it('agrees with the definition as a pattern of a rule, where case and composition do not count', () => {
    const letters = [['a', 'A'], ['é', 'É', 'e\u0301', 'E\u0301'], ['σ', 'Σ', 'ς'], ['ß'], ['😀']]
    const letter = fc
      .constantFrom(...letters)
      .chain(([same = '', ...others]) => fc.constantFrom(same, ...others).map(text => ({ text, same })))
    const wildcard = fc.constantFrom('*', '?').map(text => ({ text, same: text }))
    const pattern = fc.array(fc.oneof(letter, wildcard), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(pattern, fc.array(letter, { maxLength: 6 }), (p, t) => {
        const isMatch = matcherOf('text', p.map(({ text }) => text).join(''))
        const value = t.map(({ text }) => text).join('')
        const [meant, compared] = [p.map(({ same }) => same), t.map(({ same }) => same)]
        assert.equal(isMatch(value), globMatches(meant, compared))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes time in proportion to the text, for patterns made to backtrack', () => {
    const text = `${'a'.repeat(65_000)}b`
    const tookMs = cpuMs(2000, () => {
      assert(new Glob(`${'*a?'.repeat(300)}*b`).matches(text))
      assert(new Glob(`${'*a'.repeat(300)}*b`).matches(text))
      assert(!new Glob(`*${'a'.repeat(500)}c${'a'.repeat(499)}*`).matches(text))
    })
    // backtracking would take 10^9 steps and more
    assert(tookMs < 2000, `${tookMs} ms`)
  })
})
