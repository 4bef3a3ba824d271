// A value from the environment may be a secret, or the wrong variable's: nothing that is said of a configuration shows it.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { compileActiveConfig } from '../../src/app/active-config'
import { check } from '../../src/cli/check'
import { ACCOUNT_KEYS } from '../../src/config/accounts'
import { openConfiguration } from '../../src/config/configuration'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { SCHEMA } from '../../src/config/schema'
import { snapshotSources } from '../../src/config/sources'
import { propertyRuns } from '../property-runs'

const NAME = 'SES_BOUNCE_TEST_HELD'
const KEYS = Object.entries({ ...SCHEMA, 'account.one': ACCOUNT_KEYS }).flatMap(([section, keys]) =>
  Object.keys(keys).map(key => [section, key] as const),
)
const WAYS = [[], ['--json'], ['--strict']]
/** In no text of ours. */
const SECRET = fc.stringMatching(/^[a-z]{4,12}$/).map(letters => `zq${letters}qz`)
/** Forms that kinds accept, or nearly do. */
const FORMS: readonly ((secret: string) => string)[] = [
  secret => secret,
  secret => `${secret} ; ${secret}`,
  secret => `${secret}.example`,
  secret => `@.${secret}.example, ${secret}`,
  secret => `${secret}@${secret}.example`,
  secret => `${secret}@{recipient.domain}`,
  secret => `{${secret}}@example.com`,
  secret => `https://${secret}.example/{region}`,
  secret => `https://${secret}:${secret}@example.com/`,
  secret => `ses-bounce/${secret}.sqlite`,
  secret => `queue/${secret}`,
  secret => `dns; ${secret}.example`,
  secret => `arn:aws:ses:eu-west-1:123456789012:identity/${secret}.example`,
  secret => `arn:aws:iam::123456789012:role/${secret}`,
  secret => `${secret}-0123456789abcdef`,
  secret => `sha256:${secret}`,
  secret => `env:${secret}`,
  secret => `"${secret}`,
  secret => `/${secret}(/`,
  secret => `file:${secret}`,
  secret => `\u001b[31m${secret}\n${secret}`,
  secret => secret.repeat(500),
]

describe('a value that a variable of the environment holds', () => {
  it('is in no diagnostic, for every setting and whatever it is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KEYS),
        fc.constantFrom(...FORMS),
        SECRET,
        ([section, key], form, secret) => {
          const sources = snapshotSources({
            'ses-bounce.ini': `[${section}]\n${key} = env:${NAME}\n`,
            me: 'mx.example',
          })
          const { diagnostics } = compileActiveConfig(sources, { [NAME]: form(secret) })
          assert.ok(!JSON.stringify(diagnostics.map(formatDiagnostic)).includes(secret))
        },
      ),
      { numRuns: propertyRuns(600) },
    )
  })

  it('is not in the diagnostics about several settings together', () => {
    const said = (text: string, held: string) =>
      compileActiveConfig(snapshotSources({ 'ses-bounce.ini': text }), { [NAME]: held }).diagnostics.map(
        formatDiagnostic,
      )
    assert.deepEqual(said(`[window]\nmargin = env:${NAME}`, '23h 59m').length, 1)
    const margin = said(`[window]\nlength = 1h\nmargin = env:${NAME}`, '73m')
    assert.match(margin.join(), /margin \(env:SES_BOUNCE_TEST_HELD\) must be shorter than length \(1h\)/)
    const interval = said(`[limit]\ninterval = env:${NAME}`, '73ms')
    assert.match(interval.join(), /"env:SES_BOUNCE_TEST_HELD" is too little for interval/)
    const trusted = said(`[relay]\ntrusted = env:${NAME}`, '::/0')
    assert.match(trusted.join(), /trusted has env:SES_BOUNCE_TEST_HELD: every peer/)
  })

  it('is in no diagnostic of accounts and their domains', () => {
    const role = (number: string) => `arn:aws:iam::${number}:role/bounce`
    const said = (text: string, held: string, files: Record<string, string> = {}) =>
      compileActiveConfig(snapshotSources({ 'ses-bounce.ini': text, ...files }), {
        [NAME]: held,
      }).diagnostics.map(formatDiagnostic)
    const two = (more: string) =>
      `[account.one]\nrole = ${role('111111111111')}\ndomains = zq.example\n[account.two]\n${more}`
    assert.match(
      said(two(`role = env:${NAME}\ndomains = b.example`), role('111111111111')).join(),
      /account env:SES_BOUNCE_TEST_HELD has the section \[account\.one\] already/,
    )
    assert.match(
      said(two(`role = ${role('222222222222')}\ndomains = env:${NAME}`), 'zq.example').join(),
      /\] env:SES_BOUNCE_TEST_HELD is in \[account\.one\] already/,
    )
    const alone = (domains: string) => `[account.one]\nrole = ${role('111111111111')}\ndomains = ${domains}\n`
    const ofHost = said(alone(`env:${NAME}`), 'zqexample.org', { host_list: 'zqexample.com\n' })
    assert.deepEqual(ofHost, [
      'host_list:1: zqexample.com: domain in no account; name it in domains of an [account.NAME]',
    ])
    const ofRelay = said(`${alone('zqexample.org')}[relay]\ndomains = env:${NAME}`, '@.zqexample.com')
    assert.deepEqual(ofRelay, [
      'ses-bounce.ini:5: [relay] env:SES_BOUNCE_TEST_HELD: domain in no account; name it in domains of an [account.NAME]',
    ])
    const below = said(`${alone('zqexample.com')}[relay]\ndomains = env:${NAME}`, '@.zqexample.com')
    assert.deepEqual(below, [
      'ses-bounce.ini:5: [relay] subdomains of env:SES_BOUNCE_TEST_HELD: domain in no account; write env:SES_BOUNCE_TEST_HELD in domains of [account.one]',
    ])
  })

  it('is neither in what `check` says nor in the last good configuration on disk', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-held-'))
    const config = path.join(dir, 'config')
    mkdirSync(config)
    try {
      const secret = 'zqsecretqz'
      process.env[NAME] = ''
      for (const [turn, [section, key]] of KEYS.entries()) {
        writeFileSync(path.join(config, 'ses-bounce.ini'), `[${section}]\n${key} = env:${NAME}\n`)
        for (const [at, form] of FORMS.entries()) {
          process.env[NAME] = form(secret)
          const said: string[] = []
          const out = {
            line: (text: string) => void said.push(text),
            error: (text: string) => void said.push(text),
          }
          // in turn, so that each key is checked in each way, and each form
          await check(['--dir', dir, ...(WAYS[(at + turn) % WAYS.length] ?? [])], out)
          assert.ok(!said.join('\n').includes(secret), `[${section}] ${key}: ${said.join('\n')}`)
        }
      }
      process.env[NAME] = `${secret}-0123456789abcdef`
      writeFileSync(path.join(config, 'ses-bounce.ini'), `[http]\ntoken = env:${NAME}\n`)
      const lines: string[] = []
      const snapshot = path.join(dir, 'last-good.json')
      const configuration = openConfiguration({
        configDir: config,
        compile: sources => compileActiveConfig(sources, process.env),
        snapshotFile: snapshot,
        keepsSnapshot: true,
        fallsBack: false,
        log: (_level, text) => lines.push(text),
      })
      configuration.stop()
      assert.match(readFileSync(snapshot, 'utf8'), /env:SES_BOUNCE_TEST_HELD/)
      assert.ok(!(readFileSync(snapshot, 'utf8') + lines.join('\n')).includes(secret))
    } finally {
      delete process.env[NAME]
      rmSync(dir, { recursive: true })
    }
  })
})
