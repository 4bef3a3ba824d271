// Dispatchers of three hosts on one PostgreSQL, whose clocks are an hour apart: how soon another one goes on.

import assert from 'node:assert/strict'
import { type DispatcherHost, DispatcherHosts } from '../support/dispatcher-hosts'
import { until } from '../support/wait'

const INTERVAL_MS = 1000
const HOUR_MS = 3_600_000
/** Heartbeats of 8 s missed, from a look after at most 1.2 s on, a spacing, and the way of a call. */
const KILLED_MS = 10_500
const ENDED_MS = 2500

describe('the dispatchers of several hosts', () => {
  let hosts: DispatcherHosts
  before(async () => {
    hosts = await DispatcherHosts.begin({ intervalMs: INTERVAL_MS })
  })
  after(() => hosts.end())

  const monoMs = () => Number(process.hrtime.bigint()) / 1e6

  /** From `sinceMs` to the next call, in milliseconds. */
  async function nextCall(sinceMs: number): Promise<number> {
    const call = await until(() => hosts.ses.calls.find(({ atMs }) => atMs > sinceMs), { what: 'a call' })
    return call.atMs - sinceMs
  }

  it('one of them leads, the next goes on soon after it ends, and in time after it is killed', async () => {
    const [first, second, third] = [
      await hosts.start('web-1', { clockMs: HOUR_MS }),
      await hosts.start('web-2', { clockMs: -HOUR_MS }),
      await hosts.start('web-3'),
    ] as [DispatcherHost, DispatcherHost, DispatcherHost]
    await first.said(/^notice leads, term 1$/)
    for (const one of [second, third]) await one.said(/^notice host web-1 leads; standing by$/)
    await hosts.add(60)
    await until(() => hosts.ses.calls.length >= 3, { what: 'calls' })

    const endedMs = monoMs()
    await first.end('SIGTERM')
    const ended = await nextCall(endedMs)
    const heir = await until(
      async () => [second, third].find(one => one.lines.some(line => line.endsWith('leads, term 2'))),
      { what: 'a new leader' },
    )
    const { length } = hosts.ses.calls
    await until(() => hosts.ses.calls.length >= length + 3, { what: 'calls' })

    const killedMs = monoMs()
    await heir.end('SIGKILL')
    const killed = await nextCall(killedMs)
    console.log(
      `      first call ${Math.round(ended)} ms after a good end, ${Math.round(killed)} ms after a kill`,
    )
    assert.ok(ended <= ENDED_MS, `${ended} ms after a good end`)
    assert.ok(killed <= KILLED_MS, `${killed} ms after a kill`)
    assert.deepEqual(await hosts.faults(), [])
  })
})
