import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Glob } from '../../src/policy/glob'
import { LiteralFinder, literalForm } from '../../src/policy/literal-finder'
import { LiteralSearch } from '../../src/policy/literal-search'
import { loadRe2js, regexSet } from '../../src/policy/regex-pass'
import { regexTree } from '../../src/policy/regex-tree'
import { literalsOfGlob, literalsOfRegex, type RequiredLiterals } from '../../src/policy/required-literals'
import { fold, Subject } from '../../src/policy/subject'
import { cpuMs } from '../cpu-time'

const PIECES = [
  'ab',
  'AB',
  'b',
  'ba',
  'sk',
  'SK',
  'ſ',
  '\u212a',
  'é',
  'É',
  'Σ',
  'ς',
  'İ',
  'ß',
  '😀',
  ' ',
  '1',
  '\n',
  '-',
]
const TEXT = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map(parts => parts.join(''))
const EXPRESSION = fc.letrec<{ all: string; one: string }>(tie => ({
  one: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      'ab',
      'AB',
      'ba',
      'sk',
      'é',
      'ß',
      'İ',
      'σ',
      '😀',
      'i',
      '[sk]',
      '[ab1-]',
      '[^a]',
      '\\d',
      '.',
      '\\b',
      '^',
    ),
    fc
      .tuple(tie('all'), fc.constantFrom('', '*', '+', '?', '*?', '{2}', '{1,2}'))
      .map(([inner, repeat]) => `(?:${inner})${repeat}`),
    fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(?:${left}|${right})`),
    tie('all').map(inner => `(?-i:${inner})`),
  ),
  all: fc.array(tie('one'), { minLength: 1, maxLength: 4 }).map(parts => parts.join('')),
})).all
const GLOB = fc
  .array(
    fc.constantFrom('ab', 'AB', 'ba', 'sk', 'ſ', 'Σ', 'é', 'İ', 'ß', '😀', '\ud83d', '*', '*', '?', ' '),
    { maxLength: 6 },
  )
  .map(parts => parts.join(''))

function required(source: string): RequiredLiterals {
  return literalsOfRegex(regexTree(source))
}

function meets(literals: RequiredLiterals, text: string): boolean {
  const search = new LiteralSearch()
  const need = search.add(literals)
  return search.search(new Subject(text).folded).meets(need)
}

describe('the literals that a pattern must have', () => {
  it('are known for usual expressions', () => {
    assert.deepEqual(required('(?i)\\b(?:bank|wire) transfer\\b'), [['bank transfer', 'wire transfer']])
    assert.deepEqual(required('colou?r \\d+ zq'), [[' zq'], ['color ', 'colour ']])
    assert.deepEqual(required('(?i)ſk'), [['sk']])
    assert.deepEqual(required('(?i)[ſ-]k'), [['-k', 'sk']])
    assert.deepEqual(required('a.*b'), [['b']])
    assert.deepEqual(required('foo|ba+r'), [['foo', 'b']])
  })

  it('are none where the expression can match a text without them', () => {
    for (const source of ['foo|\\d', '(?:foo)*', 'foo|', '[a-z]', 'é', '.', '^$'])
      assert.deepEqual(required(source), [], source)
  })

  it('are in every text that the expression matches', () => {
    fc.assert(
      fc.property(EXPRESSION, fc.boolean(), TEXT, (expression, ignoresCase, text) => {
        const source = ignoresCase ? `(?i)${expression}` : expression
        const { composed } = new Subject(text)
        if (regexSet([source]).match(composed).length > 0) assert(meets(required(source), text))
      }),
      { numRuns: 3000 },
    )
  })

  it('are in every text that the glob matches', () => {
    fc.assert(
      fc.property(GLOB, TEXT, (pattern, text) => {
        const folded = fold(pattern)
        if (new Glob(folded).matches(new Subject(text).folded)) assert(meets(literalsOfGlob(folded), text))
      }),
      { numRuns: 3000 },
    )
  })

  it('are read from the tree of the library, whose parts are all known', () => {
    const { RE2JS, RE2Set } = loadRe2js()
    const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL) as unknown as {
      regexps: { constructor: { Op: object } }[]
      add(source: string): void
    }
    set.add('a')
    const names = Object.keys(set.regexps[0]?.constructor.Op ?? {}).filter(name => !/^\d+$/.test(name))
    assert.deepEqual(names, [
      'NO_MATCH',
      'EMPTY_MATCH',
      'LITERAL',
      'CHAR_CLASS',
      'ANY_CHAR_NOT_NL',
      'ANY_CHAR',
      'BEGIN_LINE',
      'END_LINE',
      'BEGIN_TEXT',
      'END_TEXT',
      'WORD_BOUNDARY',
      'NO_WORD_BOUNDARY',
      'CAPTURE',
      'STAR',
      'PLUS',
      'QUEST',
      'REPEAT',
      'CONCAT',
      'ALTERNATE',
      'PLB',
      'NLB',
      'LEFT_PAREN',
      'VERTICAL_BAR',
    ])
  })
})

describe('LiteralFinder', () => {
  const literal = fc
    .array(fc.constantFrom('a', 'b', 'c', 'é', '😀'), { minLength: 1, maxLength: 4 })
    .map(parts => parts.join(''))
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'é', '😀', 'x', 'ſ'), { maxLength: 30 })
    .map(parts => parts.join(''))

  it('finds exactly the literals that a text contains, each once', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(literal, { minLength: 1, maxLength: 12 }),
        fc.array(text, { minLength: 1, maxLength: 3 }),
        (literals, texts) => {
          const finder = new LiteralFinder(literals)
          for (const one of texts) {
            const expected = [...literals.keys()].filter(at => one.includes(literals[at] ?? ''))
            assert.deepEqual(
              finder.find(one).toSorted((a, b) => a - b),
              expected,
            )
          }
        },
      ),
    )
  })

  it('finds a literal at any place of a long text, in letters of one byte and of two', () => {
    const literals = ['a', 'bc', 'cbcb', '0123456789abcdef', 'é😀']
    const finder = new LiteralFinder(literals)
    fc.assert(
      fc.property(
        fc.constantFrom(...literals.keys()),
        fc.nat({ max: 20_000 }),
        fc.nat({ max: 20_000 }),
        fc.constantFrom('x', 'c', '’', '0123456789abcde'),
        (number, before, after, filler) => {
          const [start, end] = [before, after].map(many =>
            filler.repeat(Math.ceil(many / filler.length)).slice(0, many),
          )
          const long = `${start}${literals[number]}${end}`
          assert.deepEqual(
            finder.find(long).toSorted((a, b) => a - b),
            [...literals.keys()].filter(at => long.includes(literals[at] ?? '')),
          )
        },
      ),
      {
        numRuns: 500,
        examples: [
          [3, 8184, 0, 'x'],
          [3, 8185, 9000, 'x'],
          [3, 4088, 4088, 'x'],
          [3, 4090, 4086, '’'],
          [4, 8191, 1, 'x'],
        ],
      },
    )
  })

  it('takes a long s for an s', () => {
    assert.deepEqual(new LiteralFinder([literalForm('paſs')]).find('a pasſ'), [0])
  })

  it('searches a text of 100 KB for a thousand literals in less than 20 ms', () => {
    const literals = Array.from({ length: 1000 }, (_, at) => `word ${at} zq`)
    const long = 'some words and a number, word 12 z and on '.repeat(2500)
    const many = new LiteralFinder(literals)
    assert(cpuMs(20, () => many.find(long)) < 20)
  })
})

describe('LiteralSearch', () => {
  it('always tries a pattern for which there is no room', () => {
    const search = new LiteralSearch()
    let last: unknown = []
    for (let at = 0; at < 10_000 && last !== undefined; at++) last = search.add([[`literal ${at}`]])
    assert.equal(last, undefined)
    assert(search.literals.length > 2000)
    assert(search.search('nothing').meets(undefined))
    assert(search.search('a literal 17!').meets([[17]]))
  })
})
