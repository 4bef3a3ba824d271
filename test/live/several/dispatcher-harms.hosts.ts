// Three dispatchers on one PostgreSQL, and what may happen to the one that leads, at each point of a call: it is killed, or
// stands still for a while. No bounce is lost, none comes too soon, and none is made twice but after an interruption that
// is on record.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { type DispatcherHost, DispatcherHosts, isMade, type JobRecord } from '../support/dispatcher-hosts'
import { until } from '../support/wait'

const INTERVAL_MS = 300
const HOUR_MS = 3_600_000
const JOBS = 6
/** An interrupted call is tried again after half of it. */
const WINDOW_MS = 24_000
/** The database's answers come so much later: long enough to see a job between two of its steps. */
const DELAY_MS = 250
/** SES's answers. */
const LATENCY_MS = 150
/** After this time a message that a process sent before it was stopped has arrived, and is known here. */
const ARRIVED_MS = 100

const CLOCKS = { 'web-1': HOUR_MS, 'web-2': 0, 'web-3': -HOUR_MS }

describe('harms to the dispatcher that leads', () => {
  let hosts: DispatcherHosts
  const running = new Map<string, DispatcherHost>()
  before(async () => {
    hosts = await DispatcherHosts.begin({
      intervalMs: INTERVAL_MS,
      latencyMs: LATENCY_MS,
      ini: '[window]\nmargin = 1s\n',
    })
    for (const [name, clockMs] of Object.entries(CLOCKS))
      running.set(name, await hosts.start(name, { clockMs }))
  })
  after(() => hosts.end())

  async function leader(): Promise<DispatcherHost> {
    return until(
      async () => {
        const { host, isGivenUp } = await hosts.leader()
        return isGivenUp ? undefined : running.get(host)
      },
      { what: 'a leader' },
    )
  }

  const sendingJob = (isIt: (job: JobRecord) => boolean) =>
    until(async () => (await hosts.jobs()).some(job => job.state === 'sending' && isIt(job)), {
      what: 'a job at that point',
      everyMs: 10,
    })

  /** Each resolves when the leader is there, most likely. */
  const POINTS: Record<string, () => Promise<unknown>> = {
    'before a claim': async () => {
      const { length } = hosts.ses.calls
      await until(() => hosts.ses.calls.length > length, { what: 'a call' })
      await until(async () => !(await hosts.jobs()).some(({ state }) => state === 'sending'), {
        what: 'its record',
        everyMs: 10,
      })
    },
    'between a claim and its begin': async () => {
      ;(await leader()).proxy.delay(DELAY_MS, 'down')
      await sendingJob(({ callBegun }) => !callBegun)
    },
    'between the begin and the call': async () => {
      ;(await leader()).proxy.delay(DELAY_MS, 'down')
      await sendingJob(
        ({ callBegun, sesId }) => callBegun && !hosts.ses.calls.some(call => call.sesId === sesId),
      )
    },
    'between the call and its record': () =>
      new Promise<void>(resolve => {
        const stop = hosts.ses.onCall(() => {
          stop()
          resolve()
        })
      }),
  }

  /** The bounces that had a call by the time of the harm. */
  let called: Set<string>
  async function noteCalls(): Promise<void> {
    await pause(ARRIVED_MS)
    called = new Set(hosts.ses.calls.map(({ sesId }) => sesId))
  }

  async function standStill(host: DispatcherHost, ms: number): Promise<void> {
    host.kill('SIGSTOP')
    await noteCalls()
    await pause(ms)
    host.kill('SIGCONT')
  }

  const HARMS: Record<string, (host: DispatcherHost) => Promise<void>> = {
    'is killed': async host => {
      await host.end('SIGKILL')
      await noteCalls()
      const clockMs = CLOCKS[host.name as keyof typeof CLOCKS]
      running.set(host.name, await hosts.start(host.name, { clockMs }))
    },
    'stands still for 1 s': host => standStill(host, 1000),
    'stands still for 5 s': host => standStill(host, 5000),
    'stands still for 12 s': host => standStill(host, 12_000),
  }

  for (const [point, reached] of Object.entries(POINTS)) {
    for (const [harm, harmIt] of Object.entries(HARMS)) {
      it(`a dispatcher that ${harm} ${point} harms no bounce`, async () => {
        const victim = await leader()
        const { term } = await hosts.leader()
        const ids = await hosts.add(JOBS, { windowMs: WINDOW_MS })
        await reached()
        await harmIt(victim)
        victim.proxy.heal()
        await hosts.allSent()
        const after = await hosts.leader()
        const isReplaced = harm === 'is killed' || harm === 'stands still for 12 s'
        if (isReplaced) assert.ok(after.term > term, `term ${after.term} after ${term}`)
        assert.deepEqual(await hosts.faults(), [])
        for (const id of ids.filter(one => !called.has(one)))
          assert.equal(hosts.ses.calls.filter(call => call.sesId === id && isMade(call)).length, 1)
      })
    }
  }
})
