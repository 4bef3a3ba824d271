// The end of Haraka: by SIGTERM, Ctrl-C or a graceful shutdown, with and without a call on its way. All of it is gone at
// once, or after that call, whose outcome is recorded: what was bounced isn't bounced again by the next start.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Job } from '../../src/queue/job'
import { startAgain } from './support/again'
import { dispatcherPid } from './support/dispatcher'
import { webServers } from './support/http'
import { freePort } from './support/ports'
import { killIfAlive } from './support/processes'
import { type Product, type ProductOptions, startProduct } from './support/product'
import { until } from './support/wait'

const LATENCY_MS = 500
const TIMEOUT_MS = 1000
/** It takes a hundredth of it. What something holds, Haraka itself kills after 30 s, so that more than this is a fault. */
const GONE_MS = 15_000

describe('when Haraka ends', function () {
  let product: Product
  let first: Product
  let options: ProductOptions
  let httpPort: number
  let files: Record<string, string>
  before(async () => {
    httpPort = await freePort()
    files = { ...GRACEFUL, 'config/http.ini': `listen = 127.0.0.1:${httpPort}\n` }
    options = {
      ini: {
        limit: { interval: '50ms', slack: '0ms' },
        ses: { timeout: `${TIMEOUT_MS}ms` },
        queue: { retry: '50ms..1s' },
      },
      ses: { intervalMs: 0, latencyMs: LATENCY_MS },
    }
    first = await startProduct({ ...options, haraka: { nodes: 0, files } })
    product = first
  })
  after(async () => {
    if (product !== first) await product.stop()
    await first.stop()
  })

  const jobOf = (sesId: string): Job | undefined => product.jobs({ sesId })[0]
  const callsFor = (sesId: string) =>
    product.ses.calls.filter(({ params }) => params['OriginalMessageId'] === sesId).length
  const sent = (sesId: string) =>
    until(() => jobOf(sesId)?.state === 'sent', { what: `the bounce of ${sesId} to be recorded` })

  /** A mail whose call SES has in hand. */
  async function onItsWay(): Promise<string> {
    const { reply, mail } = await product.deliver()
    assert.equal(reply.code, 250, reply.text)
    await until(() => callsFor(mail.sesId) === 1, { what: 'the call' })
    assert.equal(jobOf(mail.sesId)?.state, 'sending')
    return mail.sesId
  }

  /** How long it takes until nothing of Haraka is left. */
  async function gone(): Promise<number> {
    const { haraka } = product
    const fromMs = performance.now()
    await until(() => haraka.hasExited && haraka.family().length === 0, {
      what: `the end of ${haraka
        .family()
        .map(({ cmdline }) => cmdline)
        .join(' and ')}`,
    })
    return performance.now() - fromMs
  }

  async function again(haraka: ProductOptions['haraka']): Promise<void> {
    product = await startAgain(product, { ...options, haraka: { ...haraka, files } })
  }

  it('SIGTERM to the dispatcher alone: it records the call that is on its way, and another one starts', async () => {
    const pid = await dispatcherPid(product)
    const sesId = await onItsWay()
    const since = product.haraka.log().length
    product.haraka.kill(pid, 'SIGTERM')
    await product.haraka.waitForLog(/the dispatcher ended \(exit code 0\); it starts again/, { since })
    assert.equal(jobOf(sesId)?.state, 'sent')
    await product.haraka.waitForLog(/dispatcher: dispatching/, { since })
    assert.equal(callsFor(sesId), 1)
  })

  it('Ctrl-C while SES is silent, in one process: it ends after the timeout, and the call is tried again', async () => {
    product.ses.setFaults([{ kind: 'silence' }])
    const sesId = await onItsWay()
    // a terminal signals the whole group
    killIfAlive(-product.haraka.pid, 'SIGINT')
    const ms = await gone()
    assert.ok(ms < TIMEOUT_MS + GONE_MS, `${ms} ms`)
    assert.deepEqual([jobOf(sesId)?.state, jobOf(sesId)?.unknownTries], ['queued', 1])
    await again({ nodes: 2 })
    await sent(sesId)
    assert.equal(callsFor(sesId), 2)
  })

  it('a graceful shutdown with workers while a call is on its way: it is recorded, and never made again', async () => {
    const sesId = await onItsWay()
    killIfAlive(product.haraka.pid, 'SIGINT')
    const ms = await gone()
    assert.ok(ms < LATENCY_MS + GONE_MS, `${ms} ms`)
    assert.equal(jobOf(sesId)?.state, 'sent')
    await again({ nodes: 2 })
    const { mail } = await product.deliver()
    await sent(mail.sesId)
    assert.equal(callsFor(sesId), 1)
  })

  it('SIGTERM to the master, which has no time to send anything: all processes end, whatever clients are connected', async () => {
    await webServers(product.haraka, 2)
    for (const bytes of [
      '',
      'GET /ses-bounce/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'POST /ses-bounce/session HTTP/1.1\r\n',
    ]) {
      const socket = connect(httpPort, '127.0.0.1').on('error', () => undefined)
      if (bytes !== '') socket.write(bytes)
      if (bytes.startsWith('GET')) await once(socket, 'data')
    }
    killIfAlive(product.haraka.pid, 'SIGTERM')
    const ms = await gone()
    assert.ok(ms < GONE_MS, `${ms} ms`)
  })
})

/** Haraka's own shutdown, which calls that of plugins: not without this. */
const GRACEFUL = { 'config/smtp.ini': 'graceful_shutdown=true\n' }
