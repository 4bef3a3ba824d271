// The published package is enough: no file that a user needs is missing, and no file of ours goes with it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { STORED_FILES } from '../queue/sqlite/stored-file'
import { installInto, type Packed } from './support/package'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

/** The files that may be in the package, and those that must be. */
const ALLOWED =
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|docs\/[\w-]+\.(?:md|ya?ml|png|1)|config\/[\w.-]+|dist\/(?:plugins|src)\/[\w/-]+(?:\.d\.ts|\.js|\.sql))$/
const NEEDED = ['README.md', 'LICENSE', 'CHANGELOG.md']

/** Haraka puts a plugin's exports onto an object of its own, which has these. */
const RESERVED =
  /^(?:name|base|timeout|config|hooks|plugin_path|hasPackageJson|register_hook|inherits|haraka_require|default|log.*)$/

/** Run by node in every process of this Haraka: on SIGUSR2 it writes down the packages that are loaded. */
const PROBE = `
const fs = require('node:fs')
const path = require('node:path')
process.on('SIGUSR2', () => {
  const loaded = Object.keys(require.cache).map(file => file.split('/node_modules/').pop())
  const passing = path.join(__dirname, 'passing-' + process.pid)
  fs.writeFileSync(passing, loaded.join('\\n'))
  fs.renameSync(passing, path.join(__dirname, 'loaded-' + process.pid))
})`

describe('the package', function () {
  let dir = ''
  let packed: Packed
  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'package-'))
    packed = installInto(dir)
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('holds the build, its documents and its examples, and nothing else', () => {
    const { files } = packed
    assert.deepEqual(
      files.filter(file => !ALLOWED.test(file)),
      [],
    )
    assert.deepEqual(
      NEEDED.filter(file => !files.includes(file)),
      [],
    )
    // the demo needs what only a clone has
    assert.deepEqual(
      files.filter(file => file.startsWith('dist/demo')),
      [],
    )
  })

  it('has every file that its package.json names, and runs nothing when it is installed', () => {
    const { main, types, bin, scripts } = packed.manifest
    const named = [main, types, ...Object.values(bin)]
    assert.deepEqual(
      named.filter(file => !packed.files.includes(file)),
      [],
    )
    const whenInstalled = ['preinstall', 'install', 'postinstall']
    assert.deepEqual(
      whenInstalled.filter(name => name in scripts),
      [],
    )
  })

  it('loads nothing but its own files, Node and its dependencies', () => {
    const known = new Set([...builtinModules, ...Object.keys(packed.manifest.dependencies)])
    const missing: string[] = []
    for (const file of packed.files.filter(name => name.endsWith('.js'))) {
      for (const [, asked = ''] of packed.text(file).matchAll(/\brequire\(["']([^"']+)["']\)/g)) {
        const own = path.posix.join(path.posix.dirname(file), `${asked}.js`)
        const found = asked.startsWith('.') ? packed.files.includes(own) : known.has(packageOf(asked))
        if (!found) missing.push(`${file}: ${asked}`)
      }
    }
    assert.deepEqual(missing, [])
  })

  it('has no comment that points at a file which is not there', () => {
    const pointing = packed.files.filter(
      file => /\.(?:js|ts)$/.test(file) && packed.text(file).includes('sourceMappingURL'),
    )
    assert.deepEqual(pointing, [])
  })

  it('has every document that another one points at', () => {
    const broken = packed.files
      .filter(file => file.endsWith('.md'))
      .flatMap(file =>
        [...packed.text(file).matchAll(/\]\((?![a-z]+:)([^)#\s]+)/g)]
          .map(([, to = '']) => path.posix.join(path.posix.dirname(file), to))
          .filter(to => !packed.files.includes(to))
          .map(to => `${file}: ${to}`),
      )
    assert.deepEqual(broken, [])
  })

  it('gives Haraka a plugin that overwrites nothing of Haraka', () => {
    const { status, stdout, stderr } = run(process.execPath, [
      '-p',
      'const plugin = require("haraka-plugin-ses-bounce"); JSON.stringify([typeof plugin.register, Object.keys(plugin)])',
    ])
    assert.equal(status, 0, stderr)
    const [register, names] = JSON.parse(stdout) as [string, string[]]
    assert.equal(register, 'function')
    assert.deepEqual(
      names.filter(name => RESERVED.test(name)),
      [],
    )
  })

  it('brings the command', () => {
    const command = path.join(dir, 'node_modules/.bin/ses-bounce')
    assert.equal(run(command, ['--version']).stdout.trim(), packed.manifest.version)
    const help = run(command, ['local-ses', '--help'])
    assert.deepEqual([help.status, help.stderr], [0, ''])
    assert.match(help.stdout, /--port/)
  })

  it('makes a queue file, and opens one of each version that was released', () => {
    const open = `const { openWorkerQueue } = require('haraka-plugin-ses-bounce/dist/src/queue/sqlite/open.js')
      openWorkerQueue(process.argv[1], { create: process.argv[2] === 'create' }).close()`
    const made = run(process.execPath, ['-e', open, path.join(dir, 'new.sqlite'), 'create'])
    assert.deepEqual([made.status, made.stderr], [0, ''])
    for (const name of readdirSync(STORED_FILES)) {
      const file = path.join(dir, name)
      copyFileSync(path.join(STORED_FILES, name), file)
      const opened = run(process.execPath, ['-e', open, file])
      assert.deepEqual([opened.status, opened.stderr], [0, ''], name)
    }
  })

  it('is enough for a Haraka to bounce a mail, and only the dispatcher loads the AWS SDK', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    writeFileSync(path.join(dir, 'probe.js'), PROBE)
    const product = await startProduct({
      haraka: {
        dir,
        package: 'none',
        nodes: 1,
        env: { NODE_OPTIONS: `--require ${path.join(dir, 'probe.js')}` },
      },
    })
    try {
      await assertBounces(product)
      const { haraka } = product
      const dispatcher = haraka.children().find(({ cmdline }) => cmdline.includes('dispatch/main.js'))
      const [worker = 0] = haraka.workers()
      assert.match(await loadedBy(product, dispatcher?.pid ?? 0), /^@aws-sdk\/client-ses\//m)
      for (const pid of [haraka.pid, worker]) {
        const loaded = await loadedBy(product, pid)
        assert.match(loaded, /^haraka-plugin-ses-bounce\/dist\/plugins\/ses-bounce\.js$/m)
        assert.doesNotMatch(loaded, /^@(?:aws-sdk|smithy|aws-crypto)\//m)
      }
    } finally {
      await product.stop()
    }
  })

  function run(command: string, args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(command, args, { cwd: dir, encoding: 'utf8' })
  }

  async function assertBounces(product: Product): Promise<void> {
    const { reply, mail } = await product.deliver()
    assert.equal(reply.code, 250, reply.text)
    const [call] = await product.calls(1)
    assert.equal(call?.input?.OriginalMessageId, mail.sesId)
    assert.equal(call.outcome.status, 200)
  }

  async function loadedBy({ haraka }: Product, pid: number): Promise<string> {
    const file = path.join(dir, `loaded-${pid}`)
    haraka.kill(pid, 'SIGUSR2')
    return until(() => existsSync(file) && readFileSync(file, 'utf8'), { what: file })
  }
})

/** `@scope/name/lib/file`: `@scope/name`; `node:fs`: `fs`. */
function packageOf(asked: string): string {
  const [first = '', second = ''] = asked.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first.replace(/^node:/, '')
}
