// What the documents show is what the product takes: their ini files, their tables, their map of the source.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { check } from '../src/cli/check'
import { compileInForce } from '../src/door/in-force'
import { ERRORS } from '../src/errors'
import { FIELDS } from '../src/policy/fields'
import { OUTCOME_KEYS } from '../src/policy/outcome'
import { FALLBACK_REASONS, GUARD_FLAGS } from '../src/settings/settings'
import { snapshotSources } from '../src/settings/sources'

const root = path.join(__dirname, '..')
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs')).map(name => `docs/${name}`),
]
const readme = read('README.md')

describe('the documents', () => {
  for (const [name, text] of iniBlocks()) {
    it(`show a ${name} without fault`, () => {
      assert.deepEqual(findings({ [name]: text }), [])
    })
  }

  it('show the errors that the product gives', () => {
    const shown = [...readme.matchAll(/^ses-bounce-rules\.ini:\d+: (\[.*)$/gm)].map(([, text]) => text)
    const rule = '[too-large]\nsise = > 3mb\naction = bounce\n'
    assert.deepEqual([...new Set(shown)], findings({ 'ses-bounce-rules.ini': rule }))
  })

  it('show what `ses-bounce check` says', async () => {
    const files = {
      'ses-bounce-rules.ini': `[too-large]\nsise = > 20mb\naction = bounce
[unknown-mailbox]\nnot.recipient = anna@example.com\naction = bounce\n`,
      plugins: 'ses-bounce\n\nrcpt_to.ldap\n',
    }
    const [, shown] = /^\$ npx ses-bounce check\n([^]*?)```/m.exec(readme) ?? []
    assert.deepEqual(shown?.trimEnd().split('\n'), await checked(files))
  })

  it('name every condition that there is, and no other', () => {
    const there = FIELDS.map(({ name, family }) => family ?? name)
    assert.deepEqual(firstColumn('| condition |').toSorted(), there.toSorted())
  })

  it('name every key of a rule', () => {
    const named = firstColumn('| key |').map(name => name.replace(/ = .*/, ''))
    const there = OUTCOME_KEYS.filter(key => !key.startsWith('guard.') && key !== 'cap')
    assert.deepEqual(named.toSorted(), [...there, 'guard.NAME'].toSorted())
  })

  it('name every guard and every fallback', () => {
    assert.deepEqual(
      firstColumn('| guard |').toSorted(),
      [...GUARD_FLAGS, 'role_addresses', 'authentication'].toSorted(),
    )
    const fallbacks = FALLBACK_REASONS.filter(reason => reason !== 'capped')
    assert.deepEqual(firstColumn('| fallback |').toSorted(), fallbacks.toSorted())
  })

  it('have a map of all rooms of the source', () => {
    const rooms = readdirSync(path.join(root, 'src'), { withFileTypes: true }).filter(entry =>
      entry.isDirectory(),
    )
    const mapped = [...readme.matchAll(/^src\/([\w-]+)\/ /gm)].map(([, name]) => name)
    assert.deepEqual(mapped.toSorted(), rooms.map(({ name }) => name).toSorted())
  })

  it('explain every error that says so', () => {
    const unexplained = Object.values(ERRORS)
      .flatMap(error => ('explained' in error ? [error.explained.split('#')] : []))
      .filter(([file = '', anchor]) => !isThere(file, anchor))
    assert.deepEqual(unexplained, [])
  })

  it('lead somewhere', () => {
    const broken = documents.flatMap(file =>
      [...read(file).matchAll(/\]\(([^)#\s]+)(?:#([^)\s]+))?\)/g)]
        .filter(([, to = '']) => !/^[a-z]+:/.test(to))
        .filter(([, to = '', anchor]) => !isThere(path.join(path.dirname(file), to), anchor))
        .map(([link]) => `${file}: ${link}`),
    )
    assert.deepEqual(broken, [])
  })
})

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

/** Each block that opens with the name of its file. */
function iniBlocks(): [name: string, text: string][] {
  return documents.flatMap(file =>
    [...read(file).matchAll(/```ini\n; config\/(\S+)\n([^]*?)```/g)].map(
      ([, name = '', text = '']): [string, string] => [name, text],
    ),
  )
}

async function checked(files: Record<string, string>): Promise<string[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-documents-'))
  const lines: string[] = []
  try {
    mkdirSync(path.join(dir, 'config'))
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, 'config', name), text)
    const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
    await check(['--dir', dir], out, {})
  } finally {
    rmSync(dir, { recursive: true })
  }
  return lines
}

/** Findings without their place. */
function findings(files: Record<string, string>): string[] {
  const { findings } = compileInForce(snapshotSources(files), {})
  return findings.map(({ section, message }) => `[${section}] ${message}`)
}

/** What stands in code marks in the first column of the README's table with that head. */
function firstColumn(head: string): string[] {
  const lines = readme.slice(readme.indexOf(`\n${head}`) + 1).split('\n')
  const rows = lines.slice(
    2,
    lines.findIndex(line => !line.startsWith('|')),
  )
  const cells = rows.map(row => row.split('|')[1] ?? '')
  return cells.flatMap(cell => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
}

function isThere(file: string, anchor: string | undefined): boolean {
  if (!existsSync(path.join(root, file))) return false
  return anchor === undefined || anchorsOf(read(file)).includes(anchor)
}

/** GitHub's: the heading in lower case, blanks as dashes, without punctuation. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}
