import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import fc from 'fast-check'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { SYNC_ONLY } from '../../src/policy/match-budget'
import { matches } from '../../src/policy/patterns'
import { MATCHED_CHARACTERS, Subject } from '../../src/policy/subject'
import { propertyRuns } from '../property-runs'
import { compiled, matcherOf, matching } from './compiled-patterns'
import { budget, compile } from './support'

/** Expressions in the part of the language that RE2 and JavaScript share; letters, and repetition of groups. */
const EXPRESSION = fc.letrec<{ all: string; one: string }>(tie => ({
  one: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'A', 'b', ' ', '1', 'é', '😀', '.', '[ab]', '[^a]', '\\d', '\\s', '\\w', '\\W'),
    // no \B: V8 finds it within a surrogate pair, against ECMAScript
    fc.constantFrom('^', '$', '\\b'),
    fc
      .tuple(tie('all'), fc.constantFrom('', '*', '+', '?', '*?', '{2}', '{1,2}'))
      .map(([inner, repeat]) => `(?:${inner})${repeat}`),
    fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(${left}|${right})`),
  ),
  all: fc.array(tie('one'), { minLength: 1, maxLength: 4 }).map(parts => parts.join('')),
})).all
const TEXT = fc
  .array(fc.constantFrom('a', 'A', 'b', 'B', ' ', '1', 'é', 'É', '😀', '\n', '-'), { maxLength: 8 })
  .map(parts => parts.join(''))

describe('patterns between slashes', () => {
  it('are found anywhere in a text', () => {
    assert.deepEqual(matching('text', '/b+c/', ['abbcd', 'bc', 'ac', '']), ['abbcd', 'bc'])
    assert.deepEqual(matching('text', '/^b+c$/', ['abbcd', 'bc']), ['bc'])
    assert.deepEqual(matching('word', '/^(soft)?fail$/', ['softfail', 'fail', 'pass']), ['softfail', 'fail'])
  })

  it('ignore case, also with i, and keep to it with c', () => {
    const values = ['GRÖSSE', 'größe', 'grösse']
    assert.deepEqual(matching('text', '/größ/', values), ['größe'])
    for (const pattern of ['/GRÖS/', '/GRÖS/i']) {
      assert.deepEqual(matching('text', pattern, values), ['GRÖSSE', 'grösse'])
    }
    assert.deepEqual(matching('text', '/GRÖS/c', values), ['GRÖSSE'])
    assert.deepEqual(matching('text', '/GR(?-i:ö)S/', values), ['grösse'])
  })

  it('keep each its own case where one condition has several', () => {
    assert.deepEqual(matching('text', '/aa/c, /bb/, /(?i)cc/c, /dd/c', ['AA', 'BB', 'CC', 'DD', 'dd']), [
      'BB',
      'CC',
      'dd',
    ])
  })

  it('compare composed letters', () => {
    assert.deepEqual(matching('text', '/^caf[e\u0301x]$/', ['cafe\u0301', 'CAF\u00c9', 'cafe']), [
      'cafe\u0301',
      'CAF\u00c9',
    ])
    assert.deepEqual(matching('text', '/^caf\u00e9$/c', ['cafe\u0301']), ['cafe\u0301'])
  })

  it('have commas, semicolons, slashes and quotes in them', () => {
    assert.deepEqual(matching('text', '/a, "b"; c/, /x\\/y/ ; why', ['a, "b"; c', 'x/y', 'why']), [
      'a, "b"; c',
      'x/y',
    ])
  })

  it('match a line end with any character, as * and ? do', () => {
    assert.deepEqual(matching('text', '/win.*now/', ['win\r\nit now']), ['win\r\nit now'])
  })

  it('stand beside other patterns, and in lists', () => {
    const l = 'plain\n/^a, b; c/\n/D$/c\n/x\\/y/\n'
    const values = ['Plain', 'a, b; cd', 'xD', 'xd', 'ax/yb', 'glob 1', '/D$/c']
    assert.deepEqual(matching('text', 'file:l, glob*', values, { l }), [
      'Plain',
      'a, b; cd',
      'xD',
      'ax/yb',
      'glob 1',
    ])
  })

  it('match the first 65,536 characters only', () => {
    const isLong = matcherOf('text', '/x/')
    assert(isLong(`${'a'.repeat(MATCHED_CHARACTERS - 1)}x`))
    assert(!isLong(`${'a'.repeat(MATCHED_CHARACTERS)}x`))
  })

  it('see an address as a whole: without quotes it needs not, in lower case, its domain as A-labels', () => {
    const values = ['"Joe"@B\u00fccher.example', 'joe@sub.example', 'joey@sub.example', '', '<>']
    assert.deepEqual(matching('address', '/^JOE@/', values), ['"Joe"@B\u00fccher.example', 'joe@sub.example'])
    assert.deepEqual(matching('address', '/@xn--.*\\.example$/', values), ['"Joe"@B\u00fccher.example'])
    assert.deepEqual(matching('address', '/^$/', values), ['', '<>'])
    assert.deepEqual(matching('address', '/y@/, <>', values), ['joey@sub.example', '', '<>'])
    assert.deepEqual(matching('address', '/^caf\u00e9@/', ['CAFE\u0301@sub.example']), [
      'CAFE\u0301@sub.example',
    ])
  })

  it('find what the same expression of JavaScript finds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(EXPRESSION, fc.constantFrom('', 'i', 'c')), { minLength: 1, maxLength: 3 }),
        TEXT,
        (patterns, text) => {
          const isMatch = matcherOf(
            'text',
            patterns.map(([source, flags]) => `/${source}/${flags}`).join(', '),
          )
          const natives = patterns.map(([source, flags]) => new RegExp(source, flags === 'c' ? 'su' : 'isu'))
          assert.equal(
            isMatch(text),
            natives.some(native => native.test(text)),
          )
        },
      ),
      { numRuns: propertyRuns(300) },
    )
  })

  it('agree with a plain pattern on what is the same text', () => {
    const text = fc
      .array(fc.constantFrom('a', 'A', 'é', 'e\u0301', 'Σ', 'ς', 'σ', 'ß', 'ẞ', '😀', 'я', 'Я'), {
        minLength: 1,
        maxLength: 3,
      })
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        assert.equal(matcherOf('text', `/^${pattern}$/`)(value), matcherOf('text', pattern)(value))
      }),
      { numRuns: 1000 },
    )
  })

  it('of a list that needs several passes are all searched', () => {
    const l = Array.from({ length: 300 }, (_, i) => `/^user${i}[xyz]{10}$/`).join('\n')
    const isListed = matcherOf('text', 'file:l', { l })
    for (const i of [0, 80, 150, 299]) {
      assert(isListed(`USER${i}xyzxyzxyzx`))
      assert(!isListed(`user${i}xyzxyzxyz`))
    }
    assert(!isListed('user300xyzxyzxyzx'))
  })

  it('come to an end on text that backtracking would never finish', async () => {
    const long = 'a'.repeat(MATCHED_CHARACTERS)
    const patterns = [
      '/(a*)*b/',
      '/(a|aa)+$x/',
      '/(.*)(.*)(.*)(.*)(.*)=/',
      '/(a+a+)+[^a]/',
      '/(?:a?){200}a{200}b/',
    ]
    for (const pattern of [...patterns, patterns.join(', ')]) {
      const { matcher } = compiled('text', pattern)
      assert.equal(await matches(matcher, new Subject(long), budget()), false, pattern)
    }
  })

  it('load their library only where there are some', () => {
    const load = (value: string) => {
      const script = `
        const { PatternCompiler } = require('./src/policy/patterns')
        const { splitItems } = require('./src/config/items')
        new PatternCompiler(() => undefined, () => {}).compile('text', 'x', splitItems(${JSON.stringify(value)}).items, () => {})
        console.log(Object.keys(require.cache).some(file => file.includes('re2js')))`
      const root = path.join(__dirname, '../..')
      return execFileSync(process.execPath, ['-r', 'tsx/cjs', '-e', script], { cwd: root, encoding: 'utf8' })
    }
    assert.deepEqual([load('a, b*'), load('/a/')], ['false\n', 'true\n'])
  })

  it('never throw, whatever stands between the slashes', () => {
    const piece = fc.constantFrom(
      'a',
      '(',
      ')',
      '[',
      ']',
      '^',
      '{3}',
      '{1,',
      '*',
      '|',
      '?',
      '(?',
      '<',
      '\\',
      'Q',
      'p',
    )
    const source = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map(parts => parts.join('')),
      fc.string({ unit: 'binary' }),
    )
    let usable = 0
    fc.assert(
      fc.property(source, fc.string({ unit: 'binary' }), (text, value) => {
        const { matcher, diagnostics } = compiled('text', 'file:l', { l: `/${text.replace(/[\r\n]/g, '')}/` })
        if (diagnostics.length === 0) usable++
        assert.equal(typeof matches(matcher, new Subject(value), SYNC_ONLY), 'boolean')
      }),
      { numRuns: 1000 },
    )
    assert(usable > 100, 'hardly any expression was usable: the property proves little')
  })
})

describe('patterns between slashes that can not be used', () => {
  const fault = (text: string) => compiled('text', text).faults.join()

  it('say why', () => {
    const ahead = 'lookahead and lookbehind are not supported, as they can take forever'
    const back = 'backreferences are not supported, as they can take forever'
    const table: [pattern: string, why: string][] = [
      ['/(?=x)/', `${ahead} at "(?="`],
      ['/a(?!x)/', `${ahead} at "(?!"`],
      ['/(?<=x)y/', ahead],
      ['/x(?<!a)y/', `${ahead} at "(?<!a)y"`],
      ['/(a)\\1/', `${back} at "\\1"`],
      ['/(?<n>a)\\k<n>/', `${back} at "\\k"`],
      ['/a(/', 'a closing ) is missing'],
      ['/a)/', 'a ) has no ( before it'],
      ['/[a/', 'the closing ] is missing'],
      ['/x*a**/', 'two repetition operators follow each other at "**"'],
      ['/*a/', 'there is nothing to repeat before it at "*"'],
      [
        '/a{1001}/',
        'a repeat count is at most 1000, nested ones multiplied, and the lower number comes first at "{1001}"',
      ],
      ['/[z-a]/', 'there is no such range or class of characters at "z-a"'],
      ['/\\p{Foo}/', 'there is no such range or class of characters'],
      ['/a\\u00e9/', 'there is no such escape at "\\u"'],
      ['/(?>a)/', 'there is no such group at "(?>"'],
      ['/(?<1-2>x)/', 'the name of the group is faulty at "(?<1-2>"'],
      ['/(?<n>a)(?<n>b)/', 'two groups have the same name at "n"'],
    ]
    for (const [pattern, why] of table) assert.equal(fault(pattern), `${pattern} can't be used: ${why}`)
  })

  it('are too large for the text that hostile senders choose', () => {
    assert.equal(
      fault('/\\pL{1000}/'),
      '/\\pL{1000}/ is too large; shorten it, or use a smaller number in {}',
    )
    assert.equal(fault('/\\pL{900}/'), '')
  })

  it('are empty, or have letters behind them that mean nothing', () => {
    assert.equal(fault('//'), 'the expression is empty; to match any value, write *')
    for (const flags of ['g', 'ic', 'I']) {
      assert.equal(
        fault(`/a/${flags}`),
        `"${flags}" isn't valid after the closing slash; valid are i (ignore case, the default) and c (case counts)`,
      )
    }
    assert.equal(compiled('address', '/A@/c').faults.join(), 'case never counts in addresses; write /A@/')
  })

  it('stand where there is no text', () => {
    assert.match(compiled('ip', '/192/').faults.join(), /^"\/192\/" isn't an IP address or range; /)
    for (const kind of ['size', 'duration', 'number'] as const) {
      assert.match(compiled(kind, '/5/').faults.join(), /^"\/5\/" isn't a (size|duration|number); /)
    }
  })

  it('are reported with file and line', () => {
    const lists = { mailboxes: 'a@example.com\n\n/(?=b)/\n' }
    const rules = '[r]\nsubject = ok, /(/\nnot.recipient = file:mailboxes\naction = drop'
    const { diagnostics } = compile(rules, { lists })
    assert.deepEqual(diagnostics.map(formatDiagnostic), [
      "rules.ini:2: [r] /(/ can't be used: a closing ) is missing",
      `mailboxes:3: /(?=b)/ can't be used: lookahead and lookbehind are not supported, as they can take forever at "(?="`,
    ])
  })
})
