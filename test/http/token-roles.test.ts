// The permissions of each role of a token, in the API, on the page and in metrics.

import assert from 'node:assert/strict'
import { addJob, request } from '../queue/support'
import { type Api, NOW_MS, startApi, submission } from './api-support'
import { bearer } from './support'

const READS = 'token-that-may-only-read'
const OPERATES = 'token-that-may-operate'
const HTTP = `token.monitoring = ${READS}\ntoken.ops = ${OPERATES}\nrole.ops = operate`
const as = (token: string) => ({ Authorization: `Bearer ${token}` })
const OURS = { 'Sec-Fetch-Site': 'same-origin' }

describe('the roles of tokens', () => {
  let api: Api
  let id: string
  beforeEach(async () => {
    api = await startApi()
    api.configure('', undefined, undefined, HTTP)
    id = addJob(api.queue, request(), NOW_MS).jobId
  })
  afterEach(() => api.close())

  const page = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(api.url + path, { headers, redirect: 'manual' })
    return { status: response.status, text: await response.text() }
  }

  const post = (path: string, headers: Record<string, string>, fields: Record<string, string> = {}) =>
    fetch(api.url + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(fields),
      redirect: 'manual',
    })

  it('let a token to read see everything in the API and the metrics, and change nothing', async () => {
    for (const path of ['/v1/bounces', `/v1/bounces/${id}`])
      assert.equal((await api.ask('GET', path, undefined, as(READS))).status, 200)
    assert.equal((await page('/metrics', as(READS))).status, 200)
    for (const [method, path, body] of [
      ['POST', '/v1/bounces', submission()],
      ['DELETE', `/v1/bounces/${id}`, undefined],
    ] as const) {
      const refused = await api.ask(method, path, body, as(READS))
      assert.equal(refused.status, 403)
      assert.equal(refused.code, 'FORBIDDEN')
      assert.match(String(refused.data['message']), /"monitoring" may only read; \[http\] role\.monitoring/)
    }
    assert.equal(api.operator.job(id)?.state, 'queued')
  })

  it('let a token to operate, and the one without a name, change things', async () => {
    assert.equal((await api.ask('POST', '/v1/bounces', submission(), as(OPERATES))).status, 202)
    assert.equal((await api.ask('DELETE', `/v1/bounces/${id}`, undefined, as(OPERATES))).status, 200)
    assert.equal((await api.ask('POST', '/v1/bounces', submission(), bearer)).status, 202)
  })

  it('show a token to read the page without a button but to sign out, and refuse its forms', async () => {
    const signedIn = await post('/session', OURS, { token: READS })
    assert.equal(signedIn.status, 303)
    const Cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    for (const [path, headers] of [
      ['/', { Cookie }],
      [`/jobs/${id}`, { Cookie }],
      [`/jobs/${id}`, as(READS)],
    ] as const) {
      const { status, text } = await page(path, headers)
      assert.equal(status, 200)
      assert.ok(text.includes(id), 'ids are shown')
      assert.deepEqual(
        [...text.matchAll(/<button>([^<]*)/g)].map(([, name]) => name),
        ['Search', 'Sign out'],
      )
    }
    for (const path of [`/jobs/${id}/cancel`, '/pause']) {
      const refused = await post(path, { ...OURS, Cookie }, { region: '' })
      assert.equal(refused.status, 403)
      assert.match(await refused.text(), /This token may only read/)
    }
    assert.equal(api.operator.job(id)?.state, 'queued')
    assert.deepEqual(api.operator.pauses(), [])
  })

  it('take effect at once for a session that began before', async () => {
    const signedIn = await post('/session', OURS, { token: OPERATES })
    const Cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    assert.match((await page(`/jobs/${id}`, { Cookie })).text, /Cancel/)
    api.configure('', undefined, undefined, HTTP.replace('= operate', '= read'))
    assert.equal((await post(`/jobs/${id}/cancel`, { ...OURS, Cookie })).status, 403)
    api.configure('', undefined, undefined, '')
    assert.equal((await post(`/jobs/${id}/cancel`, { ...OURS, Cookie })).status, 401)
  })

  it('show the page made for one token to no other', async () => {
    const seen = async (headers: Record<string, string>) => (await page('/', headers)).text
    const [operates, reads, anyone] = [await seen(bearer), await seen(as(READS)), await seen({})]
    assert.match(operates, /Pause every region/)
    assert.doesNotMatch(reads, /Pause every region/)
    assert.ok(reads.includes(id) && !anyone.includes(id))
    assert.match(await seen(as(OPERATES)), /Pause every region/)
  })
})
