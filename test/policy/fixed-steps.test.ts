import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fixedSteps } from '../../src/policy/fixed-steps'
import { regexSet } from '../../src/policy/regex-pass'
import { regexTree } from '../../src/policy/regex-tree'
import { cpuMs } from '../cpu-time'
import { matching } from './compiled-patterns'

const STEP = fc.constantFrom(
  'a',
  'b',
  '[ab]',
  '[^a]',
  '.',
  'S',
  'K',
  '\\d',
  '[é-ö]',
  '😀',
  '\\w',
  '(?:ab)',
  '(a)',
)
const TIMES = fc.constantFrom('', '{2}', '{5}', '{17}', '{40}')
const EXPRESSION = fc
  .array(fc.tuple(STEP, TIMES), { minLength: 1, maxLength: 5 })
  .map(parts => parts.map(part => part.join('')).join(''))
const TEXT = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'A', 'b', 's', 'ſ', 'k', '\u212a', '1', 'é', 'É', '😀', '\n'),
      fc.constantFrom(1, 2, 20, 60),
    ),
    { maxLength: 6 },
  )
  .map(parts => parts.map(([text, times]) => text.repeat(times)).join(''))

describe('an expression of fixed steps', () => {
  it('is found in the same texts as by the library', () => {
    let found = 0
    let tried = 0
    fc.assert(
      fc.property(EXPRESSION, fc.boolean(), TEXT, TEXT, (expression, ignoresCase, ...texts) => {
        const source = ignoresCase ? `(?i)${expression}` : expression
        const steps = fixedSteps(regexTree(source))
        if (steps === undefined) return
        const library = regexSet([source])
        for (const text of texts) {
          const isIn = library.match(text).length > 0
          assert.equal(steps.isIn(text), isIn, `${source} in ${JSON.stringify(text)}`)
          tried++
          if (isIn) found++
        }
      }),
      { numRuns: 5000 },
    )
    assert(tried > 1000 && found > 20, `${tried}, ${found}`)
  })

  it('is only one where each step is one character, and there are many', () => {
    const isOne = (source: string) => fixedSteps(regexTree(source)) !== undefined
    assert(isOne('a[ab]{296}x'))
    assert(isOne('(?i)a[ab]{296}x'))
    for (const source of [
      'a[ab]{3}x',
      'a[ab]{296}x+',
      'a[ab]{296}x?',
      '^a[ab]{296}',
      '(?i)é{40}',
      'a{40}|b{40}',
      'a.*b',
    ])
      assert(!isOne(source), source)
  })

  it('of 300 steps costs less than 10 ms in 64 KB of its worst text', () => {
    const steps = fixedSteps(regexTree('(?i)a[ab]{296}x'))
    assert(steps)
    const text = Array.from({ length: 65_536 }, (_, at) => 'ab'[(at * at * 31 + at * 7) % 2]).join('')
    const tookMs = cpuMs(10, () => assert(!steps.isIn(text)))
    assert(tookMs < 10, `${tookMs} ms`)
  })

  it('is left to a worker thread in a text of megabytes', () => {
    const steps = fixedSteps(regexTree('a[ab]{296}x'))
    assert(steps)
    assert(steps.fits('a'.repeat(256 * 1024)))
    assert(!steps.fits('a'.repeat(4 * 1024 * 1024)))
  })

  it('matches in rules beside other patterns', () => {
    const long = `${'ab'.repeat(100)}x`
    assert.deepEqual(matching('text', '/a[ab]{199}x/, other', [long, `${long}x`, 'ax', 'other']), [
      long,
      `${long}x`,
      'other',
    ])
  })
})
