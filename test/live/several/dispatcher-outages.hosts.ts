// Two dispatchers, and a database that is away: for both, or for the one that leads. Calls stop, nothing ends, and each log
// tells it once.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { type DispatcherHost, DispatcherHosts } from '../support/dispatcher-hosts'
import { until } from '../support/wait'

const INTERVAL_MS = 300
const JOBS = 8
/** An interrupted call is tried again after half of it. */
const WINDOW_MS = 30_000
const AWAY_MS = 5000
/** Long enough for another dispatcher to take the lead. */
const LONG_MS = 12_000

describe('a database that is away', () => {
  let hosts: DispatcherHosts
  let all: DispatcherHost[]
  before(async () => {
    hosts = await DispatcherHosts.begin({ intervalMs: INTERVAL_MS, ini: '[window]\nmargin = 1s\n' })
    all = [await hosts.start('web-1'), await hosts.start('web-2')]
  })
  after(() => hosts.end())

  async function leader(): Promise<DispatcherHost> {
    const { host } = await hosts.leader()
    const found = all.find(({ name }) => name === host)
    assert.ok(found)
    return found
  }

  async function callsHaveBegun(): Promise<void> {
    const { length } = hosts.ses.calls
    await hosts.add(JOBS, { windowMs: WINDOW_MS })
    await until(() => hosts.ses.calls.length >= length + 2, { what: 'calls' })
  }

  async function noCallFor(ms: number): Promise<void> {
    // what had begun is called, or given up
    await pause(ms / 2)
    const { length } = hosts.ses.calls
    await pause(ms / 2)
    assert.equal(hosts.ses.calls.length, length, 'no call without the database')
  }

  const HARMS: Record<string, { begins: () => unknown; ends: () => unknown }> = {
    'answers nothing': { begins: () => hosts.server.freeze(), ends: () => hosts.server.thaw() },
    'is stopped': { begins: () => hosts.server.stop(), ends: () => hosts.server.start() },
    'is killed': { begins: () => hosts.server.kill(), ends: () => hosts.server.start() },
  }
  for (const [harm, { begins, ends }] of Object.entries(HARMS)) {
    it(`and ${harm} for a while stops the calls, which go on afterwards`, async () => {
      await callsHaveBegun()
      const since = all.map(({ lines }) => lines.length)
      await begins()
      await noCallFor(AWAY_MS)
      await ends()
      await hosts.allSent()
      assert.ok(
        all.every(({ isRunning }) => isRunning),
        'no dispatcher has ended',
      )
      for (const [n, { name, lines }] of all.entries()) {
        const said = lines.slice(since[n])
        const times = (what: string) => said.filter(line => line.endsWith(what)).length
        const once = [times('; trying again'), times('the queue answers again')]
        assert.deepEqual(once, [1, 1], `${name} said ${said.join('\n')}`)
      }
      assert.deepEqual(await hosts.faults(), [])
    })
  }

  const CUTS: Record<string, (host: DispatcherHost) => void> = {
    'swallows all': ({ proxy }) => proxy.hole(),
    'swallows all answers': ({ proxy }) => proxy.hole('down'),
    'is cut': ({ proxy }) => proxy.cut(),
  }
  for (const [harm, cut] of Object.entries(CUTS)) {
    it(`for the leader alone, whose way to it ${harm}, has another one lead`, async () => {
      const victim = await leader()
      const { term } = await hosts.leader()
      const since = victim.lines.length
      await callsHaveBegun()
      cut(victim)
      await pause(LONG_MS)
      victim.proxy.heal()
      await victim.said(/host web-\d leads; standing by$/, since)
      await hosts.allSent()
      assert.equal((await hosts.leader()).term, term + 1)
      assert.ok(victim.isRunning)
      assert.deepEqual(await hosts.faults(), [])
    })
  }

  it('lets a dispatcher without a call end, and another one start and wait', async () => {
    await hosts.server.stop()
    const [one] = all.splice(0, 1)
    await one?.end('SIGTERM')
    const starting = hosts.start('web-1')
    await pause(2000)
    await hosts.server.start()
    all.unshift(await starting)
    await callsHaveBegun()
    await hosts.allSent()
    assert.deepEqual(await hosts.faults(), [])
  })
})
