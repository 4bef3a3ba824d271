// "Sign out" on the status page of a real Haraka: no copy of the cookie is good any more, in no worker, and not after a
// restart; and wrong tokens and foreign names are refused there as well.

import assert from 'node:assert/strict'
import type http from 'node:http'
import { startFlow } from './support/flow'
import { askHttp, type Served, startServed, TOKEN, webServers } from './support/http'

const OURS = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
/** Connections go to the workers in turn. */
const TIMES = 6

describe('access to the status page and the API', () => {
  let served: Served
  before(async () => {
    served = await startServed()
  })
  after(() => served?.product.stop())

  const ask = (path: string, headers?: http.OutgoingHttpHeaders, form?: string) =>
    askHttp(served.port, path, headers, form)

  async function signIn(): Promise<{ cookie: string }> {
    const { status, headers } = await ask('/session', OURS, `token=${TOKEN}`)
    assert.equal(status, 303)
    return { cookie: (headers['set-cookie']?.[0] ?? '').split(';', 1)[0] ?? '' }
  }

  async function statuses(headers: http.OutgoingHttpHeaders): Promise<(number | undefined)[]> {
    const answers = await Promise.all(Array.from({ length: TIMES }, () => ask('/search?q=x', headers)))
    return [...new Set(answers.map(({ status }) => status))]
  }

  it('ends with "Sign out" for every copy of the cookie, in both workers and after a restart, and for no other session', async () => {
    const [mine, others] = [await signIn(), await signIn()]
    assert.deepEqual(await statuses(mine), [200])
    assert.equal((await ask('/session/end', { ...OURS, ...mine }, '')).status, 303)
    assert.deepEqual([await statuses(mine), await statuses(others)], [[401], [200]])
    const { product, port } = served
    await product.haraka.stop()
    const again = await startFlow({
      ini: { http: { token: TOKEN } },
      localSes: product.ses,
      haraka: { nodes: 2, dir: product.haraka.dir },
    })
    served = { port, product: { ...again, stop: () => again.haraka.stop().then(() => product.stop()) } }
    await webServers(again.haraka, 2)
    assert.deepEqual([await statuses(mine), await statuses(others)], [[401], [200]])
  })

  it('is refused with a wrong token, and the log names the peer and never the token', async () => {
    const since = served.product.haraka.log().length
    assert.deepEqual(await statuses({ authorization: 'Bearer a-token-that-is-wrong' }), [401])
    const line = await served.product.haraka.waitForLog(/wrong token/, { since })
    assert.match(line, /\[ses-bounce\] http: wrong token from 127\.0\.0\.1$/)
    assert.doesNotMatch(served.product.haraka.log().join('\n'), /a-token-that-is-wrong/)
  })

  it('is refused under a name in Host that is not one of this server, but for the metrics', async () => {
    const statusFor = async (path: string, host: string) =>
      (await ask(path, { host, authorization: `Bearer ${TOKEN}` })).status
    for (const host of ['127.0.0.1', 'localhost:8080', 'mx.yours.example'])
      assert.equal(await statusFor('/v1/bounces', host), 200, host)
    assert.equal(await statusFor('/v1/bounces', 'rebound.example'), 421)
    assert.equal(await statusFor('/', 'rebound.example'), 421)
    assert.equal(await statusFor('/metrics', 'rebound.example'), 200)
  })
})
