import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LiteralSearch } from '../../src/policy/literal-search'
import type { Policy } from '../../src/policy/rule'
import { propertyRuns } from '../property-runs'
import { decideNow, mail, type PolicyParts, policy } from './support'

const RUNS = propertyRuns(1000)

/** A policy as if no pattern had a literal: every rule is tried, and every pattern of it. */
function unfiltered(rules: string, parts: PolicyParts): Policy {
  const own = Object.getOwnPropertyDescriptor(LiteralSearch.prototype, 'add')
  assert(own)
  Object.defineProperty(LiteralSearch.prototype, 'add', { ...own, value: () => undefined })
  try {
    return policy(rules, parts)
  } finally {
    Object.defineProperty(LiteralSearch.prototype, 'add', own)
  }
}

const WORD = fc.constantFrom(
  'free',
  'money',
  'Straße',
  'σίγμας',
  'kelvin',
  'İzmir',
  'pass',
  'word',
  '😀',
  'a',
  '24',
)
const GLOB = fc
  .array(fc.oneof(WORD, fc.constantFrom('*', '?', ' ')), { minLength: 1, maxLength: 5 })
  .map(parts => parts.join(''))
  .filter(text => text.trim() === text && text !== '')
const EXPRESSION = fc
  .array(
    fc.oneof(
      WORD,
      fc.constantFrom(
        ' ',
        '.*',
        '\\d+',
        '\\b',
        '^',
        '$',
        '[a-f]',
        '[ks]',
        '(?:free|pass)',
        '(?:word)?',
        'pas{1,2}',
      ),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(parts => parts.join(''))
const PATTERN = fc.oneof(
  GLOB,
  EXPRESSION.map(text => `/${text}/`),
  EXPRESSION.map(text => `/${text}/c`),
  WORD.map(text => `"${text}"`),
  fc.constant('file:l'),
)
const CONDITION = fc
  .tuple(
    fc.constantFrom('', 'not.'),
    fc.constantFrom('subject', 'header.x-a', 'body', 'attachment.name', 'from', 'result.p.x', 'verdict.spam'),
    fc.array(PATTERN, { minLength: 1, maxLength: 3 }),
  )
  .map(([not, key, patterns]) => {
    if (key === 'from') return `${not}from = a@x.example, *@y.example`
    if (key === 'verdict.spam') return `${not}verdict.spam = fail, gray`
    return `${not}${key} = ${patterns.join(', ')}`
  })
const RULE = fc
  .tuple(
    fc.uniqueArray(CONDITION, { minLength: 1, maxLength: 3, selector: line => line.split(' ')[0] ?? '' }),
    fc.constantFrom('drop', 'reject', 'quarantine', 'accept'),
    fc.constantFrom('', '\nmode = observe'),
  )
  .map(([conditions, action, mode]) => `${conditions.join('\n')}\naction = ${action}${mode}`)
const RULE_SET = fc
  .array(RULE, { minLength: 1, maxLength: 8 })
  .map(rules => rules.map((text, index) => `[r${index}]\n${text}`).join('\n'))
const TEXT = fc
  .array(
    fc.oneof(
      WORD,
      fc.constantFrom(' ', 'FREE', 'MONEY', 'STRASSE', 'ΣΊΓΜΑΣ', '\u212aelvin', 'pa\u017fs', 'x', '\n', '7'),
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''))
const MAIL = fc
  .record({
    subject: fc.array(TEXT, { maxLength: 2 }),
    header: fc.array(TEXT, { maxLength: 1 }),
    body: fc.array(TEXT, { maxLength: 2 }),
    name: TEXT,
    from: fc.constantFrom('a@x.example', 'b@y.example', 'c@z.example'),
    result: TEXT,
    cut: fc.constantFrom<string[]>([], ['subject']),
  })
  .map(({ subject, header, body, name, from, result, cut }) =>
    mail({
      headers: { subject, 'x-a': header },
      addresses: { from: [from] },
      content: { texts: body, attachments: [{ names: [name], types: [], sizeBytes: 1 }] },
      results: { 'p.x': [result] },
      cut,
    }),
  )

describe('the filter of rules by their literals', () => {
  it('changes no decision of any rules about any mail', async () => {
    let decided = 0
    await fc.assert(
      fc.asyncProperty(RULE_SET, fc.array(MAIL, { minLength: 1, maxLength: 4 }), async (rules, mails) => {
        const parts = { lists: { l: 'free*\n/mon[e]y/\nPASS' } }
        let made: Policy
        try {
          made = policy(rules, parts)
        } catch {
          // such as an expression that can't be used
          return
        }
        const all = unfiltered(rules, parts)
        for (const facts of mails) {
          const [one] = await decideNow(made, facts)
          const [other] = await decideNow(all, facts)
          if (one?.rule !== undefined) decided++
          assert.deepEqual({ ...one, recipient: undefined }, { ...other, recipient: undefined })
        }
      }),
      { numRuns: RUNS },
    )
    assert(decided > RUNS / 8, `rules decided ${decided} times: the property proves little`)
  })

  it('leaves a few of a thousand rules to try, and keeps their order', () => {
    const rules = Array.from({ length: 1000 }, (_, at) =>
      at % 2 === 0
        ? `[r${at}]\nsubject = *offer ${at} *\naction = drop`
        : `[r${at}]\nsubject = /\\boffer (?:no )?${at}\\b/\naction = drop`,
    )
    const made = policy(rules.join('\n'))
    const facts = mail({ headers: { subject: ['an offer 17 and offer 18 of ours'] } })
    const asked: string[] = []
    const candidates = made.index.candidates.bind(made.index)
    made.index.candidates = function* (values) {
      for (const rule of candidates(values)) {
        asked.push(rule.name)
        yield rule
      }
    }
    return decideNow(made, facts).then(([decision]) => {
      assert.equal(decision?.rule, 'r17')
      assert(asked.length <= 4, asked.join())
      assert.equal(asked.at(-1), 'r17')
    })
  })

  it('reads the content only when a rule that needs it is reached', async () => {
    const rules = '[first]\nsubject = hello\naction = drop\n[second]\nbody = *x y z*\naction = reject'
    const facts = mail({ headers: { subject: ['Hello'] } })
    facts.content = () => assert.fail('nobody asked for content')
    const [decision] = await decideNow(policy(rules), facts)
    assert.equal(decision?.rule, 'first')
    const small = policy('[r]\nsize = > 1mb\nbody = *x y z*\naction = reject')
    assert.equal((await decideNow(small, facts))[0]?.rule, undefined)
  })
})
