// The files in packaging/ are held to the code, as nothing runs them here: names of metrics, of settings, of files.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { compileActiveConfig } from '../src/app/active-config'
import { formatDiagnostic } from '../src/config/diagnostics'
import { snapshotSources } from '../src/config/sources'
import { METRICS } from '../src/http/metrics-table'

const root = path.join(__dirname, '..')
const read = (file: string) => readFileSync(path.join(root, 'packaging', file), 'utf8')
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[]
}

describe('the dashboard for Grafana', () => {
  const { panels } = JSON.parse(read('grafana/ses-bounce.json')) as Dashboard
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const names = new Set(expressions.flatMap(expr => expr.match(/ses_bounce_\w+/g) ?? []))

  it('asks for metrics that are served, and for no others', () => {
    const served = new Set<string>(
      Object.values(METRICS).flatMap(({ name, type }) =>
        type === 'histogram' ? [`${name}_bucket`] : [name],
      ),
    )
    assert.ok(names.size > 15)
    assert.deepEqual(
      [...names].filter(name => !served.has(name)),
      [],
    )
  })

  it('has a title for each panel, and no two panels of one title', () => {
    const titles = panels.map(({ title }) => title)
    assert.equal(new Set(titles).size, titles.length)
    assert.ok(titles.every(title => title !== ''))
  })
})

describe('the containers', () => {
  const config = path.join(root, 'packaging/docker/config')

  it('have a configuration without errors', () => {
    const files = readdirSync(config).map(name => [name, readFileSync(path.join(config, name), 'utf8')])
    const { diagnostics } = compileActiveConfig(snapshotSources(Object.fromEntries(files)), {
      SES_BOUNCE_TOKEN: '0'.repeat(48),
    })
    assert.deepEqual(diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic), [])
  })

  it('install the packages that this version is tested with', () => {
    const own = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Packages
    const { dependencies } = JSON.parse(read('docker/package.json')) as Packages
    const tested: Record<string, string> = {
      ...own.dependencies,
      ...own.devDependencies,
      'haraka-plugin-ses-bounce': own.version ?? '',
    }
    for (const [name, version] of Object.entries(dependencies)) assert.equal(version, tested[name], name)
  })

  it('mount only what is there, and set what the configuration asks for', () => {
    const compose = read('docker/compose.yaml')
    for (const [, mounted = ''] of compose.matchAll(/- (\.{1,2}\/[^:]+):/g))
      assert.ok(existsSync(path.join(root, 'packaging/docker', mounted)), mounted)
    const settings = read('docker/config/ses-bounce.ini')
    for (const [, variable = ''] of settings.matchAll(/env:(\w+)/g))
      assert.match(compose, new RegExp(`^ +${variable}:$`, 'm'))
    for (const [, secret = ''] of settings.matchAll(/\/run\/secrets\/([\w-]+)/g))
      assert.match(compose, new RegExp(`^  ${secret}:$`, 'm'))
  })

  it('run as a user that is not root, from images of a fixed version', () => {
    const lines = read('docker/Dockerfile').split('\n')
    assert.equal(lines.filter(line => line.startsWith('USER ')).at(-1), 'USER node')
    const images = [
      ...lines.filter(line => line.startsWith('FROM ')),
      ...(read('docker/compose.yaml').match(/image: .*/g) ?? []),
    ]
    for (const image of images) assert.match(image, /:v?\d+\.\d+/, image)
  })
})

/** The program of the image's health check, on another port. */
async function checkHealth(port: number): Promise<number | null> {
  const [, args = ''] = /^HEALTHCHECK .* CMD (\[.*\])$/m.exec(read('docker/Dockerfile')) ?? []
  const [command = '', ...others] = JSON.parse(args) as string[]
  assert.equal(command, 'node')
  const child = spawn(
    process.execPath,
    others.map(text => text.replace('127.0.0.1:8080', `127.0.0.1:${port}`)),
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

describe("the image's health check", () => {
  it('follows the status of /ses-bounce/health, and fails where nothing answers', async () => {
    let status = 200
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      asked.push(request.url)
      response.writeHead(status).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      assert.equal(await checkHealth(port), 0)
      status = 503
      assert.equal(await checkHealth(port), 1)
      assert.deepEqual(asked, ['/ses-bounce/health', '/ses-bounce/health'])
    } finally {
      server.close()
      await once(server, 'close')
    }
    assert.equal(await checkHealth(port), 1)
  })
})

interface Packages {
  version?: string
  dependencies: Record<string, string>
  devDependencies?: Record<string, string>
}

describe('the unit for systemd', () => {
  it('is accepted by systemd', function () {
    if (!hasSystemd) return this.skip()
    const unit = path.join(root, 'packaging/systemd/haraka.service')
    const { stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
    // a machine without the program of ExecStart, or the man page, says so; anything else is a fault of the unit
    const faults = stderr
      .split('\n')
      .filter(line => line !== '' && !/not executable|man ses-bounce/.test(line))
    assert.deepEqual(faults, [])
  })

  it('gives the dispatcher longer to end than a call may take', () => {
    assert.match(read('systemd/haraka.service'), /^TimeoutStopSec=45s$/m)
    assert.match(read('docker/compose.yaml'), /stop_grace_period: 45s/)
  })
})
