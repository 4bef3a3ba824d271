import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { type Configuration, openConfiguration } from '../../src/config/configuration'
import { ConfigurationError } from '../../src/config/configuration-error'
import type { ConfigurationOptions } from '../../src/config/configuration-options'
import type { Diagnostic } from '../../src/config/diagnostics'
import type { Sources } from '../../src/config/sources'

/** The text of `main`, and of the list that it names behind `list:`. `bad` and `warn` in it are diagnostics. */
function compile(sources: Sources): { value: string; diagnostics: Diagnostic[] } {
  const text = sources.read('main') ?? 'nothing'
  if (text.includes('throw')) throw new TypeError('broken compiler')
  const diagnostics: Diagnostic[] = []
  if (text.includes('bad')) diagnostics.push({ severity: 'error', file: 'main', line: 1, message: 'bad' })
  if (text.includes('warn'))
    diagnostics.push({ severity: 'warning', file: 'main', line: 1, message: 'take care' })
  const list = /list:(\S+)/.exec(text)?.[1]
  return { value: list === undefined ? text : `${text} = ${sources.read(list)}`, diagnostics }
}

const NOW = '2025-02-20T12:00:00.000Z'

describe('the digest of a configuration', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-digest-'))
  after(() => rmSync(root, { recursive: true }))

  let number = 0
  /** The digest on a host with these files. */
  function digest(files: Record<string, string>): string {
    const configDir = path.join(root, String(number++))
    mkdirSync(configDir)
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(configDir, name), text)
    const configuration = openConfiguration({
      configDir,
      compile: sources => {
        for (const name of ['main', 'list', 'me', 'http.ini']) sources.read(name)
        return { value: '', diagnostics: [] }
      },
      snapshotFile: path.join(configDir, 'last-good.json'),
      keepsSnapshot: false,
      fallsBack: false,
      log: () => undefined,
    })
    configuration.stop()
    return configuration.digest()
  }

  const FILES = { main: '[queue]\nstore = postgres\nhost = web-1\n', list: 'a', me: 'web-1', 'http.ini': 'a' }

  it('is the same on hosts with the same files, whatever they are called and where their web servers listen', () => {
    const other = { ...FILES, main: FILES.main.replace('web-1', 'web-2'), me: 'web-2', 'http.ini': 'b' }
    assert.equal(digest(FILES), digest(other))
    assert.match(digest(FILES), /^[0-9a-f]{12}$/)
  })

  it('is another one with any other text, and with a file more or less', () => {
    const { list: _list, ...without } = FILES
    const others = [
      { ...FILES, list: 'b' },
      { ...FILES, list: '' },
      { ...FILES, main: `${FILES.main}x` },
      without,
    ]
    const all = [FILES, ...others].map(digest)
    assert.equal(new Set(all).size, all.length)
  })
})

describe('the configuration in force', () => {
  let root: string
  let snapshotFile: string
  let logged: string[]
  let opened: Configuration<string>[]

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-configuration-'))
    mkdirSync(path.join(root, 'config'))
    snapshotFile = path.join(root, 'ses-bounce/last-good.json')
    logged = []
    opened = []
  })
  afterEach(() => {
    for (const configuration of opened) configuration.stop()
    rmSync(root, { recursive: true })
  })

  const file = (name: string) => path.join(root, 'config', name)
  const write = (name: string, text: string) => writeFileSync(file(name), text)
  function open(options: Partial<ConfigurationOptions<string>> = {}): Configuration<string> {
    const configuration = openConfiguration({
      configDir: path.join(root, 'config'),
      compile,
      snapshotFile,
      keepsSnapshot: true,
      fallsBack: false,
      log: (level, message) => logged.push(`${level} ${message}`),
      pollMs: 2 ** 30,
      nowMs: () => Date.parse(NOW),
      ...options,
    })
    opened.push(configuration)
    return configuration
  }
  /** Two looks: the second one sees that the change is whole. */
  async function settle(configuration: Configuration<string>): Promise<void> {
    await configuration.checkNow()
    await configuration.checkNow()
  }

  describe('at the start', () => {
    it('is what the files say, and warnings are logged', () => {
      write('main', 'warn')
      assert.equal(open().current(), 'warn')
      assert.deepEqual(logged, ['warn main:1: take care'])
    })

    it('throws all errors, one a line', () => {
      write('main', 'bad list:folder')
      mkdirSync(file('folder'))
      const message = 'the configuration has errors:\n  main:1: bad\n  folder: this is not a file'
      assert.throws(() => open(), { name: 'ConfigurationError', code: 'CONFIGURATION', message })
      // as Haraka logs it
      assert.throws(
        () => open(),
        error => inspect(error) === `ConfigurationError: ${message}`,
      )
    })

    it('throws what a compiler throws as one of them', () => {
      write('main', 'throw')
      assert.throws(() => open(), /config: the configuration can't be compiled: TypeError: broken compiler/)
    })

    it('saves what is good, whole and for its owner alone', () => {
      write('main', 'good list:l')
      write('l', 'a')
      open()
      const saved = { saved_at: NOW, sources: { main: 'good list:l', l: 'a' } }
      assert.deepEqual(JSON.parse(readFileSync(snapshotFile, 'utf8')), saved)
      assert.equal(statSync(snapshotFile).mode & 0o777, 0o600)
      assert.equal(statSync(path.dirname(snapshotFile)).mode & 0o777, 0o700)
      assert.deepEqual(readdirSync(path.dirname(snapshotFile)), ['last-good.json'])
    })

    it('writes through no link that lies where the snapshot is made', () => {
      write('main', 'good')
      write('victim', 'untouched')
      mkdirSync(path.dirname(snapshotFile))
      symlinkSync(file('victim'), `${snapshotFile}.${process.pid}`)
      open()
      assert.equal(readFileSync(file('victim'), 'utf8'), 'untouched')
      assert.equal(JSON.parse(readFileSync(snapshotFile, 'utf8')).sources.main, 'good')
    })

    it('goes on when it can not be saved, and says so', () => {
      write('main', 'good')
      writeFileSync(path.join(root, 'ses-bounce'), 'in the way')
      assert.equal(open().current(), 'good')
      assert.match(logged.join('\n'), /^error the last good configuration can't be kept in/)
    })
  })

  describe('for a process that starts while the files are broken', () => {
    const late = { fallsBack: true, keepsSnapshot: false }

    it('is the last good one, and the errors are logged', () => {
      write('main', 'good list:l')
      write('l', 'a')
      open()
      write('main', 'bad')
      rmSync(file('l'))
      const configuration = open(late)
      assert.equal(configuration.current(), 'good list:l = a')
      const stays = `error the last good configuration, of ${NOW}, stays in force`
      assert.deepEqual(logged, ['error main:1: bad', stays])
      assert.deepEqual(
        configuration.diagnostics().map(({ message }) => message),
        ['bad'],
      )
    })

    it('uses the files once they are good', async () => {
      write('main', 'good')
      open()
      write('main', 'bad')
      const configuration = open(late)
      write('main', 'better')
      await settle(configuration)
      assert.equal(configuration.current(), 'better')
    })

    it('stops it when there is no snapshot, or none that can be used', () => {
      write('main', 'bad')
      assert.throws(() => open(late), ConfigurationError)
      mkdirSync(path.dirname(snapshotFile))
      const unusable = [
        '',
        '{',
        'null',
        '{"savedAt":"x","sources":{}}',
        `{"savedAt":"${NOW}","sources":{"main":1}}`,
      ]
      for (const text of [...unusable, `{"savedAt":"${NOW}","sources":{"main":"bad"}}`]) {
        writeFileSync(snapshotFile, text)
        assert.throws(() => open(late), ConfigurationError, text)
      }
    })
  })

  describe('for a process that may start on the last good one', () => {
    it('asks with the files that have errors, and with the last good value', () => {
      write('main', 'good')
      open()
      write('main', 'bad')
      const asked: (string | undefined)[] = []
      const fallsBack = (broken: Sources, saved: string | undefined) => {
        asked.push(broken.read('main'), saved)
        return true
      }
      const configuration = open({ fallsBack })
      assert.equal(configuration.current(), 'good')
      assert.equal(configuration.outlived(), NOW)
      assert.deepEqual(asked, ['bad', 'good'])
      assert.equal(JSON.parse(readFileSync(snapshotFile, 'utf8')).sources.main, 'good')
      assert.throws(() => open({ fallsBack: () => false }), ConfigurationError)
    })

    it('stops where there is no last good one, and the log says so', () => {
      write('main', 'bad')
      assert.throws(() => open({ fallsBack: () => true }), ConfigurationError)
      assert.deepEqual(logged, [
        `error ${snapshotFile} holds no last good configuration that can be used, so Haraka stops`,
      ])
    })

    it('is reminded of the errors once an hour, until the files are good', async () => {
      write('main', 'good')
      open()
      write('main', 'bad')
      let monoMs = 0
      const configuration = open({ fallsBack: () => true, remindsEveryMs: 3_600_000, monoMs: () => monoMs })
      logged.length = 0
      for (const minutes of [59, 61, 119, 121]) {
        monoMs = minutes * 60_000
        await configuration.checkNow()
      }
      const reminder = `error the configuration still has 1 error, the first: main:1: bad; the last good one, of ${NOW}, is in force`
      assert.deepEqual(logged, [reminder, reminder])
      write('main', 'better')
      await settle(configuration)
      assert.equal(configuration.outlived(), undefined)
      monoMs = 600 * 60_000
      await configuration.checkNow()
      assert.deepEqual(logged.slice(2), ['notice configuration reloaded: main'])
    })
  })

  describe('when files change', () => {
    it('reads a change when two checks in a row have found it', async () => {
      write('main', 'one')
      const changes: string[] = []
      const configuration = open({ onChange: (value, previous) => changes.push(`${previous} -> ${value}`) })
      write('main', 'half')
      await configuration.checkNow()
      write('main', 'whole')
      await configuration.checkNow()
      assert.equal(configuration.current(), 'one')
      await configuration.checkNow()
      assert.equal(configuration.current(), 'whole')
      await settle(configuration)
      assert.deepEqual(changes, ['one -> whole'])
      assert.deepEqual(logged, ['notice configuration reloaded: main'])
      assert.equal(JSON.parse(readFileSync(snapshotFile, 'utf8')).sources.main, 'whole')
    })

    it('watches every file that was asked for, also one that was missing', async () => {
      write('main', 'list:l')
      const configuration = open()
      assert.equal(configuration.current(), 'list:l = undefined')
      write('l', 'a')
      await settle(configuration)
      assert.equal(configuration.current(), 'list:l = a')
      rmSync(file('l'))
      await settle(configuration)
      assert.equal(configuration.current(), 'list:l = undefined')
    })

    it('notices swapped links, as in Kubernetes', async () => {
      for (const version of ['v1', 'v2']) {
        mkdirSync(file(version))
        write(`${version}/main`, version)
      }
      symlinkSync('v1', file('..data'))
      symlinkSync('..data/main', file('main'))
      const configuration = open()
      symlinkSync('v2', file('..new'))
      renameSync(file('..new'), file('..data'))
      await settle(configuration)
      assert.equal(configuration.current(), 'v2')
    })

    it('compiles nothing again for a file that was only touched', async () => {
      write('main', 'one')
      let compiled = 0
      const configuration = open({
        compile(sources) {
          compiled++
          return compile(sources)
        },
      })
      utimesSync(file('main'), 1, 1)
      await settle(configuration)
      assert.equal(compiled, 1)
      write('main', 'two')
      await settle(configuration)
      assert.deepEqual([compiled, configuration.current()], [2, 'two'])
    })

    it('keeps the good one, and logs each error once', async () => {
      write('main', 'one')
      const configuration = open()
      write('main', 'bad')
      await settle(configuration)
      await settle(configuration)
      utimesSync(file('main'), 1, 1)
      await settle(configuration)
      assert.equal(configuration.current(), 'one')
      assert.deepEqual(logged, [
        'error main:1: bad',
        `error the last good configuration, of ${NOW}, stays in force`,
      ])
      assert.equal(JSON.parse(readFileSync(snapshotFile, 'utf8')).sources.main, 'one')
      write('main', 'one')
      await settle(configuration)
      assert.equal(logged.at(-1), 'notice configuration reloaded: main')
    })

    it('logs only its own errors, if another process logs the rest', async () => {
      write('main', 'warn good')
      const configuration = open({ logsOwnOnly: true })
      assert.deepEqual(logged, [])
      const stays = `error the last good configuration, of ${NOW}, stays in force`
      write('main', 'bad')
      await settle(configuration)
      assert.deepEqual(logged.splice(0), [stays])
      mkdirSync(file('list'))
      write('main', 'bad list:list')
      await settle(configuration)
      assert.deepEqual(logged.splice(0), ['error list: this is not a file', stays])
      write('main', 'throw')
      await settle(configuration)
      assert.match(logged.splice(0).join(), /can't be compiled: TypeError: broken compiler/)
      assert.equal(configuration.diagnostics().length, 1)
    })

    it('survives a compiler and a listener that throw', async () => {
      write('main', 'one')
      const configuration = open({
        onChange: () => {
          throw new Error('broken listener')
        },
      })
      write('main', 'throw')
      await settle(configuration)
      await settle(configuration)
      assert.equal(logged.filter(line => line.includes('broken compiler')).length, 1)
      write('main', 'two')
      await settle(configuration)
      assert.equal(configuration.current(), 'two')
      assert.match(logged.at(-1) ?? '', /^error .*broken listener/)
    })

    it('changes nothing any more once it is stopped', async () => {
      write('main', 'one')
      const configuration = open()
      write('main', 'two')
      await configuration.checkNow()
      const looking = configuration.checkNow()
      configuration.stop()
      await looking
      assert.equal(configuration.current(), 'one')
    })

    it('checks the files regularly', async () => {
      write('main', 'one')
      const changed = new Promise<string>(resolve => open({ pollMs: 5, onChange: resolve }))
      write('main', 'two')
      // the poll holds no process open, so something else must
      const held = setInterval(() => undefined, 1000)
      assert.equal(await changed, 'two')
      clearInterval(held)
    })
  })
})
