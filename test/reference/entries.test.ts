import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { compileActiveConfig } from '../../src/app/active-config'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { GUARD_FLAGS } from '../../src/config/settings'
import { snapshotSources } from '../../src/config/sources'
import { FIELD_TEXTS } from '../../src/policy/field-texts'
import { FIELD_KEYS } from '../../src/policy/fields'
import { GUARD_TEXTS } from '../../src/policy/guard-texts'
import { GUARD_DETAILS } from '../../src/policy/guards'
import { OUTCOME_TABLE } from '../../src/policy/outcome-keys'
import { PATTERN_FORMS } from '../../src/policy/pattern-texts'
import { ENTRIES } from '../../src/reference/entries'
import { matcherOf } from '../policy/compiled-patterns'

const root = path.join(__dirname, '../..')
const LISTS = {
  mailboxes: 'anna@example.com\n',
  'address-list': 'anna@example.com\n',
  'text-list': 'anna\n',
  'word-list': 'pass\n',
  'result-list': 'anna\n',
  'ip-list': '192.0.2.1\n',
  'size-list': '> 1mb\n',
  'duration-list': '> 1h\n',
  'number-list': '> 1\n',
}
/** The unit of a number in place of megabytes. */
const UNITS: Readonly<Record<string, string>> = { duration: 'h', number: '', result: '' }
/** Values that only some kinds can have. */
const OWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  address: {
    '* and ?': 'anna-*@example.com',
    '"TEXT"': '"anna*@example.com"',
    '/REGEX/': '/final-(notice|reminder)/',
  },
  word: { TEXT: 'pass' },
}
const OWN_TEXTS: ReadonlySet<string> = new Set(['refused.stage', 'attachment.type'])
/** A condition of each kind; some take no other texts than their own. */
const KEYS = new Map(
  ENTRIES.filter(({ topic, name }) => topic === 'condition' && !OWN_TEXTS.has(name)).map(
    ({ kind, example = '' }) => [kind, example.replace(/ = .*/, '')],
  ),
)

/** The checker's diagnostics for a rule with these lines. */
function diagnostics(...lines: string[]): string[] {
  const rules = ['[rule]', ...lines].join('\n')
  return (
    compileActiveConfig(snapshotSources({ 'ses-bounce-rules.ini': rules, ...LISTS }), {})
      .diagnostics.map(formatDiagnostic)
      // what the example of "TEXT" is about
      .filter(text => !text.includes('in quotes stands for itself'))
  )
}

describe('the tables of the reference', () => {
  it('have words for each condition, and for nothing else', () => {
    assert.deepEqual(Object.keys(FIELD_TEXTS).toSorted(), FIELD_KEYS.toSorted())
  })

  it('show patterns that the condition accepts', () => {
    for (const { example = '' } of ENTRIES.filter(({ topic }) => topic === 'condition')) {
      assert.deepEqual(diagnostics(example, 'action = quarantine'), [], example)
      assert.deepEqual(diagnostics(`not.${example}`, 'action = quarantine'), [], example)
    }
  })

  it('show values that the key accepts, with each of its actions', () => {
    for (const { name, example, actions } of OUTCOME_TABLE.filter(({ name }) => name !== 'action')) {
      for (const action of actions) {
        assert.deepEqual(diagnostics('subject = x', `${name} = ${example}`, `action = ${action}`), [], name)
      }
    }
  })

  it('name a default that the key accepts, unless they describe one', () => {
    for (const { name, default: value, actions } of OUTCOME_TABLE) {
      if (/\s|^$/.test(value)) continue
      assert.deepEqual(diagnostics('subject = x', `${name} = ${value}`, `action = ${actions[0]}`), [], name)
    }
  })

  for (const { name, kinds, example, matches, not } of PATTERN_FORMS) {
    it(`say of ${name} what it matches`, () => {
      const kind = name === 'file:NAME' ? 'address' : kinds[0]
      assert(kind)
      const holds = matcherOf(kind, example, LISTS)
      assert.deepEqual([holds(matches), holds(not)], [true, false])
    })

    it(`say in which conditions ${name} can stand`, () => {
      for (const kind of kinds) {
        const own = OWN[kind]?.[name]
        const pattern = (own ?? example)
          .replaceAll('mb', UNITS[kind] ?? 'mb')
          .replace('mailboxes', `${kind}-list`)
        assert.deepEqual(diagnostics(`${KEYS.get(kind)} = ${pattern}`, 'action = drop'), [], kind)
      }
    })
  }

  it('have every guard with a key, every text that a guard says, and say each once', () => {
    const withKey = GUARD_TEXTS.filter(({ hasNoKey }) => !hasNoKey).map(({ name }) => name)
    assert.deepEqual(withKey.toSorted(), [...GUARD_FLAGS, 'role_addresses', 'authentication'].toSorted())
    assert.deepEqual(
      GUARD_TEXTS.flatMap(({ details }) => details).toSorted(),
      Object.values(GUARD_DETAILS).toSorted(),
    )
  })

  it('point at places that there are', () => {
    const missing = ENTRIES.filter(({ page }) => {
      const [file = '', anchor = ''] = page.split('#')
      return !anchorsOf(readFileSync(path.join(root, file), 'utf8')).includes(anchor)
    })
    assert.deepEqual(
      missing.map(({ page }) => page),
      [],
    )
  })

  it('fit into a line', () => {
    for (const { name, meaning } of ENTRIES) assert.match(meaning, /^.{5,130}(?<!\.)$/, name)
  })
})

/** GitHub's: the heading in lower case, blanks as dashes, without punctuation. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}
