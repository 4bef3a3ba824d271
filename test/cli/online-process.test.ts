// `check` as a process of its own: when it loads the SDK, and that it ends.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { builtFile } from '../live/support/package-folder'
import { Directories, environment } from './online-support'

const MAIN = builtFile('src/cli/main.js')
const SHOWN = `process.on('exit', () => console.error(Object.keys(require.cache).join('\\n')))`

describe('ses-bounce check as a process', function () {
  const directories = new Directories()
  let child: ChildProcess | undefined
  afterEach(() => {
    child?.kill('SIGKILL')
    directories.remove()
  })

  async function ran(args: string[], env: NodeJS.ProcessEnv) {
    const shown = path.join(args[1] ?? '', 'shown.cjs')
    writeFileSync(shown, SHOWN)
    const started = spawn(process.execPath, ['-r', shown, MAIN, 'check', ...args], {
      env: { PATH: process.env['PATH'], ...environment(env) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    let [stdout, stderr] = ['', '']
    started.stdout.on('data', chunk => (stdout += String(chunk)))
    started.stderr.on('data', chunk => (stderr += String(chunk)))
    const [code] = (await once(started, 'close')) as [number | null]
    return { code, stdout, loadsSdk: stderr.includes('/@aws-sdk/') }
  }

  it('loads the SDK only where AWS is asked', async () => {
    const dir = directories.make({ ses: 'regions = eu-west-1' })
    const plain = await ran(['--dir', dir], {})
    assert.deepEqual([plain.code, plain.loadsSdk], [0, false])
    const closed = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
    const online = await ran(['--dir', dir, '--online'], closed)
    assert.deepEqual([online.code, online.loadsSdk], [0, true])
    assert.match(online.stdout, /^online: whose the credentials are could not be established: connect ECONN/m)
  })

  it('ends although a program that should give credentials hangs', async () => {
    const dir = directories.make({ ses: 'regions = eu-west-1\ntimeout = 100ms' })
    const config = path.join(dir, 'aws-config')
    // it reads what nobody writes, and ends with its parent
    writeFileSync(config, '[default]\ncredential_process = cat\n')
    const { code, stdout } = await ran(['--dir', dir, '--online'], {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_CONFIG_FILE: config,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    })
    assert.equal(code, 0)
    assert.match(stdout, /^online: eu-west-1: whether SendBounce is permitted could not .* within 100 ms$/m)
  })
})
