import assert from 'node:assert/strict'
import { exampleSettings } from '../../src/config/example'
import { parseIni } from '../../src/config/ini'
import type { Key } from '../../src/config/key'
import { loadSettings } from '../../src/config/load'
import { SCHEMA } from '../../src/config/schema'

/** With every commented-out setting in force; `; ` opens a comment proper. */
const uncommented = exampleSettings().replace(/^;(?=[a-z[])/gm, '')

const load = (text: string) =>
  loadSettings(parseIni('ses-bounce.ini', text), {
    SES_BOUNCE_TOKEN: 'x'.repeat(16),
    PGPASSWORD: 'x',
    RELAY_PASSWORD: 'x',
  })

describe('the ses-bounce.ini that ships', () => {
  it('changes nothing as it stands', () => {
    const { settings, diagnostics } = load(exampleSettings())
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(settings, load('').settings)
  })

  it('shows the defaults: with all its lines in force nothing is changed either', () => {
    const { settings, diagnostics } = load(uncommented)
    assert.deepEqual(
      diagnostics.filter(({ severity }) => severity === 'error'),
      [],
    )
    assert.deepEqual(settings, load('').settings)
  })

  it('has every key', () => {
    const { sections } = parseIni('ses-bounce.ini', uncommented)
    const shown = sections.map(({ name, entries }) => [name, entries.map(({ key }) => key)])
    assert.deepEqual(
      shown,
      Object.entries(SCHEMA).map(([name, keys]) => [name, Object.keys(keys)]),
    )
  })

  it('says what each key is for in a line that ends before the edge of a wide screen', () => {
    assert.deepEqual(
      exampleSettings()
        .split('\n')
        .filter(line => line.length > 180),
      [],
    )
  })
})

/** Lines that a key, or each key of a section, needs beside it. */
const BESIDE: Record<string, string> = {
  'queue.url': 'store = postgres\n',
  'relay.sqs.queue_url':
    'dead_letter_url = https://sqs.example/1/dead\nbuckets = mail\ndomains = example.com\n',
  'relay.sqs.dead_letter_url':
    'queue_url = https://sqs.example/1/mail\nbuckets = mail\ndomains = example.com\n',
  'relay.sqs.buckets':
    'queue_url = https://sqs.example/1/mail\ndead_letter_url = https://sqs.example/1/dead\ndomains = example.com\n',
  'relay.sqs.domains':
    'queue_url = https://sqs.example/1/mail\ndead_letter_url = https://sqs.example/1/dead\nbuckets = mail\n',
}

describe('the table of settings', () => {
  const keys = Object.entries(SCHEMA).flatMap(([section, all]) =>
    Object.entries(all).map(([name, key]: [string, Key<unknown>]) => ({ section, name, key })),
  )

  it('has an example for each key with an empty default, and each is accepted', () => {
    for (const { section, name, key } of keys) {
      const example = key.example ?? key.default
      assert.notEqual(example, '', `[${section}] ${name}`)
      const beside = BESIDE[`${section}.${name}`] ?? BESIDE[section] ?? ''
      const errors = load(`[${section}]\n${beside}${name} = ${example}\n`).diagnostics.filter(
        ({ severity }) => severity === 'error',
      )
      assert.deepEqual(errors, [])
    }
  })
})
