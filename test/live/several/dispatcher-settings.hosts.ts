// A dispatcher in the middle of a call, and a database that is set so that it could lose what it confirms: what came of the
// call is kept until somebody has put that right, as the bounce would be made a second time without it.

import assert from 'node:assert/strict'
import { LOGIN } from '../../postgres/server'
import { DispatcherHosts } from '../support/dispatcher-hosts'
import { until } from '../support/wait'

const INTERVAL_MS = 300
/** Longer than it takes to change the setting. */
const LATENCY_MS = 3000

describe('a database that is set wrongly during a call', () => {
  let hosts: DispatcherHosts
  before(async () => {
    hosts = await DispatcherHosts.begin({ intervalMs: INTERVAL_MS, latencyMs: LATENCY_MS })
  })
  after(() => hosts.end())

  it('has the outcome written once it is right again, and the bounce made once', async () => {
    const host = await hosts.start('web-1')
    await hosts.add(1)
    await until(() => hosts.ses.calls.length === 1, { what: 'the call' })
    await setFsync('off')
    await host.said(/fsync is off: .*; the outcome of a call is kept in memory until it can be written$/)
    await setFsync('on')
    await host.said(/the outcome of the call is written$/)
    await hosts.allSent()
    assert.equal(hosts.ses.calls.length, 1)
    const [job] = await hosts.jobs()
    assert.deepEqual(
      job?.events.filter(what => /interrupted/.test(what)),
      [],
    )
  })

  /** For connections that are made from now on; those of now end. */
  async function setFsync(value: 'on' | 'off'): Promise<void> {
    const { server } = hosts
    server.set({ fsync: value })
    server.reload()
    await until(async () => (await server.query('SHOW fsync'))[0]?.['fsync'] === value, {
      what: 'the setting',
    })
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [LOGIN])
  }
})
