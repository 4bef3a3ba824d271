import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { compileActiveConfig } from '../../src/app/active-config'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { parseIni } from '../../src/config/ini'
import { snapshotSources } from '../../src/config/sources'
import { ACTIONS } from '../../src/policy/decision'
import { GENERATED } from '../../src/reference/generated'
import { exampleRules } from '../../src/reference/rules-file'
import { SAMPLE_RULES } from '../../src/reference/sample-rules'

const root = path.join(__dirname, '../..')

function compiled(rules: string) {
  const sources = snapshotSources({ 'ses-bounce-rules.ini': rules, mailboxes: 'anna@example.com\n' })
  const { value, diagnostics } = compileActiveConfig(sources, {})
  return { rules: value.policy.rules, diagnostics: diagnostics.map(formatDiagnostic) }
}

describe('what is written from the tables', () => {
  for (const [name, write] of Object.entries(GENERATED)) {
    it(`${name} says what they say`, () => {
      assert.equal(
        readFileSync(path.join(root, name), 'utf8'),
        write(),
        'it is written anew by: npm run docs',
      )
    })
  }
})

describe('the ses-bounce-rules.ini that ships', () => {
  const uncommented = exampleRules().replace(/^;(?=[a-z[])/gm, '')

  it('has no active rule, as no user could remove it', () => {
    assert.deepEqual(parseIni('ses-bounce-rules.ini', exampleRules()).sections, [])
  })

  it('has good rules in its comments', () => {
    const { rules, diagnostics } = compiled(uncommented)
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(
      rules.map(({ name }) => `[${name}]`),
      SAMPLE_RULES.map(({ lines }) => lines[0]),
    )
  })

  for (const { lines } of SAMPLE_RULES) {
    it(`has ${lines[0]}, which is good alone, too`, () => {
      assert.deepEqual(compiled(lines.join('\n')).diagnostics, [])
    })
  }

  it('shows every action', () => {
    const shown = new Set(compiled(uncommented).rules.map(({ outcome }) => outcome.action))
    assert.deepEqual([...shown].toSorted(), ACTIONS.toSorted())
  })
})
