import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Supervisor, SupervisorOptions } from '../../src/dispatch/supervisor'
import { Database } from '../../src/queue/sqlite/database'
import { atEnd } from '../live/support/cleanup'
import { builtFile } from '../live/support/package-folder'
import { killIfAlive, type ProcessInfo, processes } from '../live/support/processes'
import { until } from '../live/support/wait'
import { temporaryFolder } from '../queue/support'

/** The built file, as it is shipped: the process that it starts is a file beside it. */
const FILE = builtFile('src/dispatch/supervisor.js')
const GOOD_INI = '[ses]\nendpoint = local\n'
/** Silences the SDK on the versions of Node.js to come, in every dispatcher. */
const QUIET = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'

describe('the supervisor of the dispatcher', function () {
  let home: { folder: string; remove: () => void }
  let dir: string
  let lines: string[]
  let supervisor: Supervisor | undefined
  let forget: () => void

  before(() => {
    process.env[QUIET] = 'true'
  })
  after(() => {
    delete process.env[QUIET]
  })
  beforeEach(() => {
    home = temporaryFolder()
    dir = home.folder
    lines = []
    mkdirSync(path.join(dir, 'config'))
    mkdirSync(path.join(dir, 'ses-bounce'))
    new Database(path.join(dir, 'ses-bounce/queue.sqlite'), { busyMs: 1000, create: true }).close()
    configure(GOOD_INI)
    forget = atEnd(killAll)
  })
  afterEach(async () => {
    await supervisor?.stop()
    supervisor = undefined
    await until(() => dispatchers().length === 0, { what: 'the dispatchers to end' }).finally(killAll)
    forget()
    home.remove()
  })

  const configure = (ini: string) => writeFileSync(path.join(dir, 'config/ses-bounce.ini'), ini)
  const dispatchers = () => processes().filter(({ cmdline }) => cmdline.endsWith(`/main.js ${dir}`))
  const killAll = () => dispatchers().forEach(({ pid }) => killIfAlive(pid, 'SIGKILL'))
  const count = (pattern: RegExp) => lines.filter(line => pattern.test(line)).length

  function supervise(): void {
    const { superviseDispatcher } = require(FILE) as {
      superviseDispatcher: (options: SupervisorOptions) => Supervisor
    }
    const log = (level: string, message: string) => lines.push(`${level}: ${message}`)
    supervisor = superviseDispatcher({
      harakaDir: dir,
      place: { store: 'sqlite', file: path.join(dir, 'ses-bounce', 'queue.sqlite') },
      owner: {},
      log,
    })
  }

  async function dispatching(times = 1): Promise<ProcessInfo> {
    await until(() => count(/^notice: dispatcher: dispatching$/) >= times, {
      what: `a dispatcher; the log has:\n${lines.join('\n')}`,
    })
    const [one, ...others] = dispatchers()
    assert.ok(one)
    assert.deepEqual(others, [])
    return one
  }

  it('starts it again when it is killed and says so, until it is told to stop', async () => {
    supervise()
    const first = await dispatching()
    process.kill(first.pid, 'SIGKILL')
    const second = await dispatching(2)
    assert.notEqual(second.pid, first.pid)
    assert.equal(count(/^warn: the dispatcher ended \(SIGKILL\); it starts again in \d+ ms$/), 1)
    await supervisor?.stop()
    assert.deepEqual(dispatchers(), [])
    assert.equal(count(/ended/), 1)
  })

  it('tries at growing pauses while it cannot start, says why, and goes on when it can', async () => {
    configure('[ses]\ntimeout = soon\n')
    supervise()
    await until(() => count(/again in 400 ms/) === 1, { what: 'the second failure' })
    assert.equal(count(/again in 200 ms/), 1)
    assert.ok(count(/^error: dispatcher: .*/) >= 2)
    assert.match(lines.join('\n'), /ses-bounce\.ini:2: \[ses\] .*"soon"/)
    configure(GOOD_INI)
    await dispatching()
  })

  it('goes on when the system has no process to give', async () => {
    supervise()
    const { pid } = await dispatching()
    const { execPath } = process
    process.execPath = path.join(dir, 'no-such-node')
    try {
      process.kill(pid, 'SIGKILL')
      await until(() => count(/ended \(.*ENOENT.*\); it starts again/) > 0, { what: 'a start that fails' })
    } finally {
      process.execPath = execPath
    }
    await dispatching(2)
  })

  it('ends its dispatcher when its own process is killed', async () => {
    const script = `require(${JSON.stringify(FILE)}).superviseDispatcher({
      harakaDir: ${JSON.stringify(dir)}, place: { store: 'sqlite', file: ${JSON.stringify(path.join(dir, 'queue.sqlite'))} }, owner: {}, log: (level, text) => console.log(text),
    }); setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      parent.stdout.on('data', data => lines.push(...`${data}`.split('\n').map(text => `notice: ${text}`)))
      await dispatching()
    } finally {
      parent.kill('SIGKILL')
    }
    await until(() => dispatchers().length === 0, { what: 'the dispatcher to follow its parent' })
  })
})
