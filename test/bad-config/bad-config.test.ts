// Each mistake, and every line that `ses-bounce check` says of it. A Haraka that boots with it: test/live/bad-config.test.ts.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { check } from '../../src/cli/check'
import { type BadConfig, badConfigs, warnsOnly, writeConfig } from './cases'

describe('a configuration with a mistake', () => {
  let scratch: string
  before(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'ses-bounce-bad-'))
  })
  after(() => rmSync(scratch, { recursive: true, force: true }))

  for (const bad of badConfigs) {
    it(`is told of it: ${bad.title}`, async () => {
      const { code, lines } = await checked(path.join(scratch, bad.title), bad)
      assert.deepEqual(lines.slice(0, -1), bad.says)
      assert.ok(bad.says.length > 0)
      assert.equal(code, warnsOnly(bad) ? 0 : 1)
    })
  }
})

async function checked(dir: string, bad: BadConfig): Promise<{ code: number; lines: string[] }> {
  writeConfig(path.join(dir, 'config'), bad)
  const lines: string[] = []
  const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
  return { code: await check(['--dir', dir], out, bad.env), lines }
}
