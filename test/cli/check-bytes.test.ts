// `ses-bounce check` on files with anything in them: it says what it has to say, and ends accordingly.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { check } from '../../src/cli/check'
import { SCHEMA } from '../../src/config/schema'

describe('ses-bounce check, of files with any bytes in them', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-check-'))
    mkdirSync(path.join(dir, 'config'))
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('never throws, ends as its lines say, and writes nothing but text', async () => {
    await fc.assert(
      fc.asyncProperty(fileOf(SETTINGS), fileOf(RULES), fileOf(LIST), async (settings, rules, list) => {
        const files = { 'ses-bounce.ini': settings, 'ses-bounce-rules.ini': rules, list }
        for (const [name, bytes] of Object.entries(files))
          writeFileSync(path.join(dir, 'config', name), bytes)

        const { code, lines } = await checked(dir)
        const json = await checked(dir, '--json')
        const { errors, warnings, ok } = JSON.parse(json.lines.join('\n')) as Report
        assert.deepEqual([code, json.code, ok], errors.length === 0 ? [0, 0, true] : [1, 1, false])
        assert.equal(lines.length - 1, errors.length + warnings.length)
        assert.deepEqual(countsIn(lines.at(-1) ?? ''), [errors.length, warnings.length])
        for (const line of [...lines, ...json.lines]) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)

        const strict = await checked(dir, '--strict')
        assert.equal(strict.code, errors.length + warnings.length === 0 ? 0 : 1)
      }),
      { numRuns: 200 },
    )
  })
})

interface Report {
  errors: object[]
  warnings: object[]
  ok: boolean
}

async function checked(dir: string, ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = []
  const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
  return { code: await check(['--dir', dir, ...args], out, { FROM_ENV: '\u009b31m' }), lines }
}

/** `2 errors, 1 warning`, `1 warning; fine: ...`, `idle, ...` */
function countsIn(sum: string): number[] {
  const count = (what: string) =>
    Number(new RegExp(`^(?:[^;:]*, )?(\\d+) ${what}s?(?:$|[,;])`).exec(sum)?.[1] ?? 0)
  return [count('error'), count('warning')]
}

/** Words with a meaning in one of the files. */
const WORDS = [
  ...Object.entries(SCHEMA).flatMap(([section, keys]) => [`\n[${section}]\n`, ...Object.keys(keys)]),
  ...'\n[a]\n|\n[b\n|\n|\n = | = |=|, | ;|\\\n|"|/|*|?|(|[z-a]|{|}|{sender}|\u001b[2J|\u009b|\u202e'.split(
    '|',
  ),
  ...'sender|not.recipient|subject|size|client.ip|header.X|action = bounce\n|action = reject\n|bounce.text'.split(
    '|',
  ),
  ...'file:list|file:../x|file:\u0007|env:FROM_ENV|env:|@a.example|a@a.example|<>|> 1mb|true|10s|0.0.0.0/0'.split(
    '|',
  ),
]
/** Without an error, whichever of them stand together. */
const SETTINGS = [
  '[relay]\ntrusted = 0.0.0.0/0\n',
  '[guard]\nspam = off ; why\n',
  '[limit]\nper_sender = 5/day\n',
]
const RULES = [
  '[a]\nsender = file:list, \\\n  b@b.example\naction = reject\n',
  '[b]\nverdict.spam = failed\naction = bounce\nbounce.text = é {sender}\n',
  '[c]\naction = drop\n',
]
const LIST = ['a@a.example\n', '# none\n', '/^(b|c)@/\n']

/** Good parts alone, or with anything between them. */
function fileOf(good: readonly string[]): fc.Arbitrary<Uint8Array> {
  const parts = fc.subarray([...good]).map(texts => texts.map(text => Buffer.from(text)))
  return fc.oneof(
    parts.map(texts => Buffer.concat(texts)),
    fc.tuple(parts, BYTES).map(([texts, bytes]) => Buffer.concat([...texts, bytes])),
    BYTES,
  )
}

const BYTES = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...WORDS).map(word => Buffer.from(word)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }) },
    ),
    { maxLength: 30 },
  )
  .map(parts => Buffer.concat(parts))
