// The cases of test/bad-config at boot: what has an error stops Haraka, what is only warned of doesn't, and Haraka's log
// says of each what `ses-bounce check` says.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type BadConfig, badConfigs, isWarning, textsOf, warnsOnly, writeConfig } from '../bad-config/cases'
import { checkout, harakaPackage } from './support/directory'
import { expectBootFailure, type HarakaOptions, startHaraka } from './support/haraka'

/** Started whole, each as a Haraka of its own. */
const STOPPED = ['section not closed', 'unknown mode', 'list with wrong line']
const WARNED = 'everybody trusted'

describe('a configuration with a mistake, at boot', function () {
  let scratch: string
  let logs: Map<string, string[]>
  before(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'ses-bounce-boot-'))
    logs = await loadAll(scratch)
  })
  after(() => rmSync(scratch, { recursive: true, force: true }))

  for (const bad of badConfigs) {
    it(`${warnsOnly(bad) ? 'is warned of' : 'stops the plugins from loading'}: ${bad.title}`, () => {
      assertSaid(logs.get(bad.title), bad)
    })
  }

  for (const title of STOPPED) {
    it(`ends a whole Haraka with exit code 1: ${title}`, async () => {
      const bad = caseOf(title)
      const { code, log } = await expectBootFailure(optionsFor(bad))
      assert.equal(code, 1)
      assertSaid(log, bad)
    })
  }

  it(`lets a whole Haraka start where it is only warned of: ${WARNED}`, async () => {
    const bad = caseOf(WARNED)
    const haraka = await startHaraka(optionsFor(bad))
    try {
      assertSaid(haraka.log(), bad)
    } finally {
      await haraka.stop()
      haraka.remove()
    }
  })
})

/** Has Haraka's loader load the plugins of each case, in one process. The log of each by its title. */
async function loadAll(scratch: string): Promise<Map<string, string[]>> {
  mkdirSync(path.join(scratch, 'node_modules'))
  symlinkSync(checkout, path.join(scratch, 'node_modules/haraka-plugin-ses-bounce'))
  mkdirSync(path.join(scratch, 'plugins'))
  // one that a case names, and that Haraka doesn't bring
  writeFileSync(path.join(scratch, 'plugins/rcpt-ldap.js'), '')
  for (const bad of badConfigs) makeDirectory(path.join(scratch, bad.title), bad)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(__dirname, 'support/load-plugins.js'), harakaPackage, ...badConfigs.map(({ title }) => title)],
    { cwd: scratch, env: Object.assign({}, process.env, ...badConfigs.map(({ env }) => env)) },
  )
  // the pattern's group makes every second piece a title
  const [, ...pieces] = stdout.split(/^=== (.*)\n/m)
  return new Map(
    pieces.flatMap((piece, index) =>
      index % 2 === 0 ? [[piece, (pieces[index + 1] ?? '').split('\n')]] : [],
    ),
  )
}

function makeDirectory(dir: string, bad: BadConfig): void {
  const configDir = path.join(dir, 'config')
  writeConfig(configDir, bad)
  if (!textsOf(bad).has('plugins')) writeFileSync(path.join(configDir, 'plugins'), 'ses-bounce\n')
  for (const shared of ['node_modules', 'plugins']) symlinkSync(`../${shared}`, path.join(dir, shared))
}

function optionsFor(bad: BadConfig): HarakaOptions {
  const files = [...textsOf(bad)].map(([name, text]) => [`config/${name}`, text])
  return { plugins: ['ses-bounce'], nodes: 0, files: Object.fromEntries(files), env: bad.env }
}

function caseOf(title: string): BadConfig {
  const bad = badConfigs.find(one => one.title === title)
  assert.ok(bad, title)
  return bad
}

/** Exactly what check says: warnings by the plugin, then the errors by what stops Haraka. */
function assertSaid(log: string[] | undefined, { says }: BadConfig): void {
  assert.ok(log)
  const warnings = says.filter(isWarning).map(line => line.replace(' warning: ', ' '))
  const errors = says.filter(line => !isWarning(line)).map(line => `  ${line}`)
  const stop = 'Caught exception: ConfigurationError: the configuration has errors:'
  // what AWS has to say of the dispatcher's Node.js isn't of the configuration
  const said = logged(log, '[WARN] [-] [ses-bounce] ').filter(line => !line.startsWith('dispatcher: '))
  assert.deepEqual(said, warnings, log.join('\n'))
  assert.deepEqual(logged(log, '[CRIT] [-] [core] '), errors.length === 0 ? [] : [stop, ...errors])
}

function logged(log: string[], origin: string): string[] {
  return log.flatMap(line =>
    line.includes(origin) ? [line.slice(line.indexOf(origin) + origin.length)] : [],
  )
}
