import assert from 'node:assert/strict'
import fc from 'fast-check'
import { regexSet } from '../../src/policy/regex-pass'
import { regexTree } from '../../src/policy/regex-tree'
import { requiredRun } from '../../src/policy/required-run'
import { cpuMs } from '../cpu-time'

function runOf(source: string) {
  return requiredRun(regexTree(source))
}

describe('the run of characters that an expression needs', () => {
  it('is known for usual expressions', () => {
    const wallet = String.raw`\b(?:bc1[a-z0-9]{20,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\b`
    const cases: [source: string, without: string, having: string][] = [
      [wallet, 'an order of 1, or 3 words12345678901234', 'send to bc1q0123456789abcdefghij'],
      ['(?i)[a-f0-9]{32}', 'x'.repeat(100), '0123456789ABCDEF'.repeat(2)],
      ['x(?:[0-9]{16})+y', '123456789012345 6', '1234567890123456'],
      ['[а-я]{12,}', 'gift card '.repeat(9), 'б'.repeat(12)],
    ]
    for (const [source, without, having] of cases) {
      assert.equal(runOf(source)?.isIn(without), false, source)
      assert.equal(runOf(source)?.isIn(having), true, source)
    }
  })

  it('is none where the expression can match a text without it', () => {
    for (const source of [
      '[a-z]{11}',
      '(?:[a-z]{20})?',
      '[a-z]{20}|b',
      '(?:a|[0-9]{20})x',
      '[ab]{0,30}',
      'a{8}b{8}',
    ])
      assert.equal(runOf(source), undefined, source)
  })

  it('is in every text that the expression matches', () => {
    const piece = fc.constantFrom(
      '[ab]{12}',
      '[ab]{12,14}',
      '[^a]{13}',
      '[é-ÿ]{12,}',
      '[😀b]{12}',
      '(?i:[k-s]{12})',
      '(?:[ab]{12})+',
      '(?:[ab]{12})?',
      'a+',
      '.',
      '\\b',
      'b?',
    )
    const expression = fc
      .array(
        fc.oneof(
          piece,
          fc.tuple(piece, piece).map(both => `(?:${both.join('|')})`),
        ),
        {
          minLength: 1,
          maxLength: 4,
        },
      )
      .map(parts => parts.join(''))
    const text = fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'ab', 'é', '😀', 'ſ', '\u212a', ' '), fc.nat({ max: 13 })), {
        maxLength: 6,
      })
      .map(parts => parts.map(([one, times]) => one.repeat(times)).join(''))
    let matched = 0
    fc.assert(
      fc.property(expression, fc.array(text, { minLength: 5, maxLength: 10 }), (source, texts) => {
        const run = runOf(source)
        const set = regexSet([source])
        for (const one of texts) {
          if (run === undefined || set.match(one).length === 0) continue
          matched++
          assert(run.isIn(one), one)
        }
      }),
      {
        numRuns: 1000,
        examples: [
          ['[ab]{12}', ['a'.repeat(12), `b${'ab'.repeat(6)}`]],
          ['(?:[ab]{12}|[😀b]{12})', ['😀'.repeat(12)]],
          ['(?i:[k-s]{12})', ['ſ\u212a'.repeat(6)]],
        ],
      },
    )
    assert(matched >= 4)
  })

  it('is looked for in time in proportion to the text, whatever it says', () => {
    const run = runOf('[a-z]{300}')
    const text = `${'a'.repeat(299)} `.repeat(1000)
    assert(cpuMs(100, () => assert.equal(run?.isIn(text), false)) < 100)
  })
})
