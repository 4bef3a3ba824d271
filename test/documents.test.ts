// The product accepts all that the documents show: their ini files, their examples, their map of the source.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { compileActiveConfig } from '../src/app/active-config'
import { check } from '../src/cli/check'
import { test } from '../src/cli/test'
import { snapshotSources } from '../src/config/sources'
import { ERRORS } from '../src/errors'
import { ACTIONS } from '../src/policy/decision'
import { FIELD_KEYS } from '../src/policy/fields'
import { OUTCOME_KEYS } from '../src/policy/outcome-keys'
import { ADDRESS_NAMES, REFUSAL_NAMES, TEXT_NAMES } from '../src/policy/templates'
import { sharedWorkerThreads } from './cli/shared-threads'

const root = path.join(__dirname, '..')
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter(name => !name.endsWith('.png'))
    .map(name => `docs/${name}`),
]
const readme = read('README.md')

describe('the documents', () => {
  for (const [name, text] of iniBlocks()) {
    it(`show a ${name} without fault`, () => {
      assert.deepEqual(diagnostics({ ...lists(), [name]: text }), [])
    })
  }

  it('show the errors that the product gives', () => {
    const shown = [...readme.matchAll(/^ses-bounce-rules\.ini:\d+: (\[.*)$/gm)].map(([, text]) => text)
    const rule = '[too-large]\nsise = > 3mb\naction = bounce\n'
    assert.deepEqual([...new Set(shown)], diagnostics({ 'ses-bounce-rules.ini': rule }))
  })

  it('show what `ses-bounce check` says', async () => {
    const files = {
      'ses-bounce-rules.ini': `[too-large]\nsise = > 20mb\naction = bounce
[unknown-mailbox]\nnot.recipient = anna@example.com\naction = bounce\n`,
      plugins: 'ses-bounce\n\nrcpt_to.ldap\n',
    }
    const [, shown] = /^\$ node_modules\/\.bin\/ses-bounce check\n([^]*?)```/m.exec(readme) ?? []
    assert.deepEqual(shown?.trimEnd().split('\n'), await checked(files))
  })

  it('show what `ses-bounce check --explain` says', async () => {
    const [, name = '', shown] =
      /^\$ node_modules\/\.bin\/ses-bounce check --explain (\w+)\n([^]*?)```/m.exec(readme) ?? []
    assert.deepEqual(shown?.trimEnd().split('\n'), (await run(['--explain', name])).join('\n').split('\n'))
  })

  it('show cases that come out as they say, by the rules that the README shows', async () => {
    const [, rules = ''] = /```ini\n; config\/ses-bounce-rules\.ini\n([^]*?)```/.exec(readme) ?? []
    const [, cases = ''] =
      /```\n; config\/ses-bounce-tests\.ini\n([^]*?)```/.exec(read('docs/checking.md')) ?? []
    const files = {
      'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.1\n',
      'ses-bounce-rules.ini': rules,
      'ses-bounce-tests.ini': cases,
      host_list: 'example.com\n',
      mailboxes: 'anna@example.com\n',
      'tests/trouble.eml': 'From: someone@origin.example\r\nTo: anna@example.com\r\n\r\nHello\r\n',
    }
    assert.deepEqual(
      await checked(files, (args, out) =>
        test(args, out, {}, { nowMs: Date.now(), openWorkerThreads: sharedWorkerThreads }),
      ),
      ['cases: 3 as expected, 0 not'],
    )
  })

  it('have a task for every condition, outcome key, action and template name', () => {
    const rules = read('docs/rules.md')
    const names = [
      ...FIELD_KEYS.map(key => key.replace(/\.(?:NAME|PLUGIN\.PATH)$/, '.')),
      ...OUTCOME_KEYS.map(key => (key.startsWith('guard.') ? 'guard.' : key)),
      ...ACTIONS.map(action => `action = ${action}`),
      ...[...TEXT_NAMES, ...REFUSAL_NAMES, ...ADDRESS_NAMES].map(name => `{${name}}`),
    ]
    const isNamed = (name: string) => rules.includes(`\n${name}`) || rules.includes(`\`${name}`)
    assert.deepEqual(
      names.filter(name => !isNamed(name)),
      [],
    )
  })

  it('have a map of all rooms of the source', () => {
    const rooms = readdirSync(path.join(root, 'src'), { withFileTypes: true }).filter(entry =>
      entry.isDirectory(),
    )
    const mapped = [...readme.matchAll(/^src\/([\w-]+)\/ /gm)].map(([, name]) => name)
    assert.deepEqual(mapped.toSorted(), rooms.map(({ name }) => name).toSorted())
  })

  it('name functions and files of the source that are there', () => {
    const flow = read('docs/flow.md')
    const files = [...flow.matchAll(/`((?:src|plugins)\/[^`]+)`/g)].map(([, file = '']) => file)
    const named = [...flow.matchAll(/`(\w+)`(?: and `(\w+)`)?\s+\(`((?:src|plugins)\/[^`]+)`\)/g)].flatMap(
      ([, one, other, file = '']) =>
        [one, other].flatMap(name => (name === undefined ? [] : [[name, file] as const])),
    )
    assert.ok(files.length > 30 && named.length > 30, `${files.length} files, ${named.length} names`)
    assert.deepEqual(
      files.filter(file => !existsSync(path.join(root, file))),
      [],
    )
    assert.deepEqual(
      named.filter(([name, file]) => !isDeclared(name, read(file))),
      [],
    )
  })

  it('start the command by its path, as do all texts of the product: a package runner may fetch another one', () => {
    const runner = /(?:\b(?:npx|bunx|dlx)|npm (?:exec|x))\s[^`'"]{0,40}?\bses-bounce\b/
    const folders = ['docs', 'config', 'plugins', 'src', 'scripts', 'bench', 'test', '.ci']
    const files = folders.flatMap(folder =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        name => `${folder}/${name}`,
      ),
    )
    const texts = [...files, 'README.md', 'CHANGELOG.md', 'package.json'].filter(file =>
      /\.(?:md|ini|yml|ts|js|json|sh|txt)$|\.ci\/run$/.test(file),
    )
    assert.ok(texts.length > 300, `${texts.length} files`)
    assert.deepEqual(
      texts.filter(file => runner.test(read(file))),
      [],
    )
    // in two parts, as this file is read too
    for (const start of ['npx', 'npm exec --']) assert.match([start, 'ses-bounce check'].join(' '), runner)
  })

  it('explain every error that says so', () => {
    const unexplained = Object.values(ERRORS)
      .flatMap(error => ('explained' in error ? [error.explained.split('#')] : []))
      .filter(([file = '', anchor]) => !isThere(file, anchor))
    assert.deepEqual(unexplained, [])
  })

  it('lead somewhere', () => {
    const broken = documents.flatMap(file =>
      [...read(file).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .filter(([, to = '']) => !/^[a-z]+:/.test(to))
        .map(([link, to = '', anchor]) => [link, to || path.basename(file), anchor] as const)
        .filter(([, to, anchor]) => !isThere(path.join(path.dirname(file), to), anchor))
        .map(([link]) => `${file}: ${link}`),
    )
    assert.deepEqual(broken, [])
  })
})

/** A function, class, table or method of that name. */
function isDeclared(name: string, source: string): boolean {
  return new RegExp(`\\b(?:function|class|const) ${name}\\b|^ +(?:async )?${name}[(:]`, 'm').test(source)
}

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

/** Lists that blocks of ini files name: each block of its own opens with its name, too. */
function lists(): Record<string, string> {
  const blocks = documents.flatMap(file => [...read(file).matchAll(/```\n# config\/(\S+)\n([^]*?)```/g)])
  return Object.fromEntries(blocks.map(([, name = '', text = '']) => [name, text]))
}

async function checked(files: Record<string, string>, command: Command = check): Promise<string[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-documents-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(dir, 'config', name)
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    return await run(['--dir', dir], command)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

type Command = typeof check

/** The lines that a command prints. */
async function run(args: string[], command: Command = check): Promise<string[]> {
  const lines: string[] = []
  const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
  await command(args, out, {})
  return lines
}

/** Findings without their place. */
function diagnostics(files: Record<string, string>): string[] {
  const { diagnostics } = compileActiveConfig(snapshotSources(files), {})
  return diagnostics.map(({ section, message }) => `[${section}] ${message}`)
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
