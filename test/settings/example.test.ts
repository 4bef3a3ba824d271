import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { compileInForce } from '../../src/door/in-force'
import { exampleSettings } from '../../src/settings/example'
import { formatFinding } from '../../src/settings/findings'
import { parseIni } from '../../src/settings/ini'
import { loadSettings } from '../../src/settings/load'
import { SCHEMA } from '../../src/settings/schema'
import { snapshotSources } from '../../src/settings/sources'

const shipped = (name: string) => readFileSync(path.join(__dirname, '../../config', name), 'utf8')

/** With every commented-out setting and section in force; `; ` opens a comment proper. */
const uncommented = (text: string) => text.replace(/^;(?=[a-z[])/gm, '')

describe('the ini files that ship', () => {
  it('config/ses-bounce.ini is what the table writes', () => {
    const renew = 'it is renewed by: npm run build && node scripts/write-example.js'
    assert.equal(shipped('ses-bounce.ini'), exampleSettings(), renew)
  })

  it('ses-bounce.ini changes nothing as it stands', () => {
    const { settings, findings } = loadSettings(parseIni('ses-bounce.ini', shipped('ses-bounce.ini')), {})
    assert.deepEqual(findings, [])
    assert.deepEqual(settings, loadSettings(parseIni('ses-bounce.ini', ''), {}).settings)
  })

  it('ses-bounce.ini shows the defaults: with all its lines in force only the trusted relay is new', () => {
    const text = uncommented(exampleSettings())
    const { settings, findings } = loadSettings(parseIni('ses-bounce.ini', text), {})
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'error'),
      [],
    )
    const standard = loadSettings(parseIni('ses-bounce.ini', ''), {}).settings
    const trusted = ['192.0.2.10', '2001:db8::/64']
    assert.deepEqual(settings, { ...standard, relay: { ...standard.relay, trusted } })
  })

  it('ses-bounce.ini has every key that can be used, and none that can not yet', () => {
    const { sections } = parseIni('ses-bounce.ini', uncommented(exampleSettings()))
    const shown = sections.map(({ name, entries }) => [name, entries.map(({ key }) => key)])
    const { http: _, ...usable } = SCHEMA
    assert.deepEqual(
      shown,
      Object.entries(usable).map(([name, keys]) => [name, Object.keys(keys)]),
    )
  })

  it('ses-bounce-rules.ini has no rule in force, as no user could take it away again', () => {
    assert.deepEqual(parseIni('ses-bounce-rules.ini', shipped('ses-bounce-rules.ini')).sections, [])
  })

  it("ses-bounce-rules.ini's examples are good rules", () => {
    const { value, findings } = compileInForce(
      snapshotSources({
        'ses-bounce-rules.ini': uncommented(shipped('ses-bounce-rules.ini')),
        mailboxes: 'anna@example.com\n',
      }),
      {},
    )
    assert.deepEqual(findings.map(formatFinding), [])
    assert.deepEqual(
      value.policy.rules.map(({ name }) => name),
      ['partners', 'unknown-mailbox', 'too-large', 'programs'],
    )
  })
})
