// Health without a token: for those who restart containers, and for those who watch the bounces.

import assert from 'node:assert/strict'
import { QueueError } from '../../src/errors'
import { healthRoutes } from '../../src/http/health'
import { request } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'
import { assertDescribed } from './described'
import { serveRoutes, servingContext } from './support'

const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }

describe('the health of the plugin', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  async function health(path: string) {
    const response = await fetch(`${api.url}${path}`)
    const body = (await response.json()) as Record<string, unknown>
    assertDescribed('GET', path, response.status, body)
    return { status: response.status, body, verdict: String(body['verdict']) }
  }
  const both = async () => [(await health('/health')).status, (await health('/health/sending')).status]

  it('is 200 with a verdict for everyone, while nothing is wrong', async () => {
    assert.deepEqual(await both(), [200, 200])
    const { body } = await health('/health')
    assert.deepEqual([body['verdict'], body['state'], body['is_sending']], ['Sending', 'sending', true])
    assert.deepEqual(body['at'], new Date(NOW_MS).toISOString())
  })

  it('is 503 for sending alone while SES is not reached, or sending is paused, or no dispatcher runs', async () => {
    api.queue.add([request({ deadlineMs: NOW_MS + 3_600_000 })], NOW_MS)
    const now = { ms: NOW_MS - 60_000, monoMs: api.clock.monoMs }
    const claim = api.dispatcher.claim('eu-west-1', now, SPACING)
    assert.ok(claim)
    api.dispatcher.begin(claim, now)
    const detail = 'Error: connect ECONNREFUSED 10.1.2.3:443'
    const effect = { state: 'queued', what: 'retry', notBeforeMs: NOW_MS + 38_000, detail } as const
    api.dispatcher.settle(claim, effect, { ms: now.ms, seenMonoMs: now.monoMs })
    assert.deepEqual(await both(), [200, 503])
    const { body, verdict } = await health('/health/sending')
    assert.equal(verdict, 'Degraded: SES unreachable since 11:59 UTC, next try in 38 s')
    assert.deepEqual(body['lanes'], [{ lane: 'eu-west-1', is_sending: false }])
    assert.doesNotMatch(JSON.stringify(body), /10\.1\.2\.3/)
    const page = await (await fetch(`${api.url}/`)).text()
    assert.ok(page.includes(`<title>${verdict} - SES bounces</title>`), page.slice(0, 500))
    assert.ok(page.includes(`>${verdict}</h1>`))
    assert.doesNotMatch(page, /All is well|SES says/)

    api.operator.pause(undefined, NOW_MS)
    assert.deepEqual(await both(), [200, 503])
    assert.match((await health('/health')).verdict, /^Stopped: paused by hand since 12:00 UTC/)
    api.operator.resume(undefined)
    api.clock.monoMs += 31_000
    assert.deepEqual(await both(), [200, 503])
    assert.match((await health('/health')).verdict, /^Stopped: no dispatcher runs/)
  })

  it('of an idle plugin is good, and nothing is sent', async () => {
    api.configure('', '')
    assert.deepEqual(await both(), [200, 503])
    assert.match((await health('/health')).verdict, /^Idle: no relay is trusted/)
  })

  it('notes on the page that bounces go to the emulator, and all is well none the less', async () => {
    api.configure('[ses]\nendpoint = local\n')
    assert.deepEqual(await both(), [200, 200])
    const page = await (await fetch(`${api.url}/`)).text()
    assert.match(page, /Sending\. All is well\.[\s\S]*Bounces go to the local emulator, not to SES\./)
  })

  it('is 503 for both while the queue cannot be used, with the code and nothing private', async () => {
    const served = await serveRoutes([], servingContext, context =>
      healthRoutes({
        ...context,
        activeConfig: () => ({ ...context.activeConfig(), idle: false }),
        operator: () => Promise.reject(new QueueError('QUEUE_UNREACHABLE', 'db.internal:5432/mail: no')),
        nowMs: () => NOW_MS,
      }),
    )
    try {
      for (const path of ['/health', '/health/sending']) {
        const response = await fetch(served.url + path)
        const text = await response.text()
        assert.equal(response.status, 503)
        assertDescribed('GET', path, 503, JSON.parse(text))
        assert.match(text, /Stopped: the queue can't be used \(QUEUE_UNREACHABLE\); the log says more/)
        assert.doesNotMatch(text, /db\.internal/)
      }
    } finally {
      await served.close()
    }
  })
})
