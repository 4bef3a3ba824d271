import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createSources, snapshotSources } from '../../src/config/sources'

describe('sources of a configuration', () => {
  let root: string
  let configDir: string
  const write = (name: string, content: string | Uint8Array) =>
    writeFileSync(path.join(configDir, name), content)

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-sources-'))
    configDir = path.join(root, 'config')
    mkdirSync(configDir)
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('gives the text of a file, the same one for as long as it is asked', () => {
    write('me', '\uFEFFmx.example\n')
    const sources = createSources(configDir)
    assert.equal(sources.read('me'), 'mx.example\n')
    write('me', 'changed')
    assert.equal(sources.read('me'), 'mx.example\n')
    assert.deepEqual(sources.faults, [])
  })

  it('reports no fault for a missing file, and remembers that it was read', () => {
    const sources = createSources(configDir)
    assert.equal(sources.read('host_list'), undefined)
    assert.equal(sources.read('no-folder/x'), undefined)
    assert.deepEqual(sources.faults, [])
    assert.deepEqual(
      sources.seen().map(({ name, text, signature }) => [name, text, signature]),
      [
        ['host_list', undefined, 'ENOENT'],
        ['no-folder/x', undefined, 'ENOENT'],
      ],
    )
  })

  it('reads nothing outside the directory by its name, but follows its links', () => {
    writeFileSync(path.join(root, 'secret'), 'secret')
    const sources = createSources(configDir)
    for (const name of ['../secret', path.join(root, 'secret'), 'a/../../secret', '..\\secret', '', 'x\0']) {
      assert.equal(sources.read(name), undefined)
    }
    assert.equal(sources.faults.length, 6)
    assert.deepEqual(sources.seen(), [])
    write('..list', 'a')
    assert.equal(sources.read('..list'), 'a')
    symlinkSync('../secret', path.join(configDir, 'link'))
    assert.equal(sources.read('link'), 'secret')
  })

  it('reports a folder or a pipe, without waiting for the pipe', () => {
    mkdirSync(path.join(configDir, 'folder'))
    assert.equal(spawnSync('mkfifo', [path.join(configDir, 'pipe')]).status, 0)
    const sources = createSources(configDir)
    assert.equal(sources.read('folder'), undefined)
    assert.equal(sources.read('pipe'), undefined)
    const file = (name: string) => ({ severity: 'error', file: name, line: 0, message: 'this is not a file' })
    assert.deepEqual(sources.faults, [file('folder'), file('pipe')])
  })

  it('finds a file that is too large, without reading it', () => {
    write('list', '')
    truncateSync(path.join(configDir, 'list'), 50 * 1024 ** 2 + 1)
    const sources = createSources(configDir)
    assert.equal(sources.read('list'), undefined)
    assert.match(sources.faults[0]?.message ?? '', /larger than 50 MB/)
  })

  it('warns of a file in another encoding, and reads what it can', () => {
    write('list', Buffer.from('m\xfcller@example.com', 'latin1'))
    const sources = createSources(configDir)
    assert.equal(sources.read('list'), 'm\uFFFDller@example.com')
    assert.equal(sources.faults[0]?.severity, 'warning')
  })

  it('finds a file that is UTF-16, of either order', () => {
    const text = Buffer.from('\uFEFF[a]\n', 'utf16le')
    write('little', text)
    write('big', Buffer.from(text).swap16())
    const sources = createSources(configDir)
    assert.deepEqual([sources.read('little'), sources.read('big')], [undefined, undefined])
    const file = (name: string) => [name, 'error', 'the file is UTF-16; save it as UTF-8']
    assert.deepEqual(
      sources.faults.map(({ file, severity, message }) => [file, severity, message]),
      [file('little'), file('big')],
    )
  })

  it('has a snapshot answer in the same way', () => {
    const sources = snapshotSources({ me: 'mx.example' })
    assert.equal(sources.read('me'), 'mx.example')
    assert.equal(sources.read('constructor'), undefined)
    assert.deepEqual(
      sources.seen().map(({ name, text }) => [name, text]),
      [['me', 'mx.example']],
    )
  })
})
