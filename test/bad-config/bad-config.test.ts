// Configurations with one mistake each, and every line that is said of it. A case is a text file in this folder:
// `=== NAME` begins a file of Haraka's config directory, `=== says` what `ses-bounce check` answers, without its sum.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { check } from '../../src/cli/check'

const SAYS = 'says'
const cases = readdirSync(__dirname).filter(name => name.endsWith('.txt'))

describe('a configuration with a mistake', () => {
  let scratch: string
  before(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'ses-bounce-bad-'))
  })
  after(() => rmSync(scratch, { recursive: true, force: true }))

  for (const name of cases) {
    const title = path.basename(name, '.txt')
    it(`is told of it: ${title.replaceAll('-', ' ')}`, async () => {
      const parts = partsOf(readFileSync(path.join(__dirname, name), 'utf8'))
      const expected = linesOf(parts.get(SAYS) ?? '')
      parts.delete(SAYS)
      const { code, lines } = await checked(path.join(scratch, title), parts)
      assert.deepEqual(lines.slice(0, -1), expected)
      assert.ok(expected.length > 0)
      assert.equal(code, expected.every(line => line.includes(' warning: ')) ? 0 : 1)
    })
  }
})

/** Text by name, in the order of the case. */
function partsOf(text: string): Map<string, string> {
  const parts = text.split(/^=== (.+)\n/m).slice(1)
  return new Map(parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1] ?? '']] : [])))
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}

async function checked(dir: string, files: Map<string, string>): Promise<{ code: number; lines: string[] }> {
  mkdirSync(path.join(dir, 'config'), { recursive: true })
  for (const [name, text] of files) writeFileSync(path.join(dir, 'config', name), text)
  const lines: string[] = []
  const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
  return { code: await check(['--dir', dir], out, {}), lines }
}
