// Actions on the status page: the people who may do them, from where, and the outcome.

import assert from 'node:assert/strict'
import type { HttpToken } from '../../src/config/http-tokens'
import { sha256 } from '../../src/config/secret'
import { isFromOurPage, SESSION_MS, sessionCookie, sessionOf } from '../../src/http/page-session'
import { Database } from '../../src/queue/sqlite/database'
import { openOperatorQueue } from '../../src/queue/sqlite/open'
import { HOUR_MS, request } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'
import { bearer, TOKEN } from './support'

const OURS = { 'Sec-Fetch-Site': 'same-origin' }

describe('the status page’s forms', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const post = async (path: string, headers: Record<string, string>, fields: Record<string, string> = {}) => {
    const body = new URLSearchParams(fields)
    const response = await fetch(api.url + path, { method: 'POST', headers, body, redirect: 'manual' })
    const { status } = response
    return {
      status,
      headers: response.headers,
      location: response.headers.get('location'),
      text: await response.text(),
    }
  }
  const queued = () => api.queue.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)[0]?.jobId ?? ''
  const stateOf = (id: string) => api.operator.job(id)?.state

  async function session(): Promise<string> {
    const { headers } = await post('/session', OURS, { token: TOKEN })
    return (headers.get('set-cookie') ?? '').split(';', 1)[0] ?? ''
  }

  it('accept the token, and give a cookie that proves it without containing it', async () => {
    const given = await post('/session', OURS, { token: ` ${TOKEN} ` })
    assert.deepEqual([given.status, given.location], [303, '/ses-bounce/'])
    const cookie = given.headers.get('set-cookie') ?? ''
    assert.match(
      cookie,
      /^ses-bounce=\d+\.[0-9a-f]{32}\.[0-9a-f]{64}; Path=\/ses-bounce; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    )
    for (const secret of [TOKEN, sha256(TOKEN)]) assert.ok(!cookie.includes(secret))
    const id = queued()
    const page = () =>
      fetch(`${api.url}/jobs/${id}`, { headers: { Cookie: `a=b; ${cookie.split(';', 1)[0]}` } })
    assert.equal((await page()).status, 200)
    api.clock.ms += SESSION_MS
    assert.equal((await page()).status, 401, 'it ends')
  })

  it('refuse a wrong token, and name the peer in the log', async () => {
    for (const token of ['', 'wrong', `${TOKEN}x`, sha256(TOKEN), 'x'.repeat(2000)]) {
      const refused = await post('/session', OURS, { token })
      assert.equal(refused.status, 401, token)
      assert.equal(refused.headers.get('set-cookie'), null)
    }
    assert.deepEqual(api.log, ['warn: http: wrong token from 127.0.0.1'])
  })

  it('end a session permanently with "Sign out": no worker accepts a copy of its cookie, and no other session ends', async () => {
    const [mine, others] = [await session(), await session()]
    const pageWith = (Cookie: string) => fetch(`${api.url}/search?q=a`, { headers: { Cookie } })
    assert.deepEqual([(await pageWith(mine)).status, (await pageWith(others)).status], [200, 200])
    const end = await post('/session/end', { ...OURS, Cookie: mine })
    assert.equal(end.status, 303)
    assert.match(end.headers.get('set-cookie') ?? '', /^ses-bounce=; Path=\/ses-bounce; Max-Age=0;/)
    assert.deepEqual([(await pageWith(mine)).status, (await pageWith(others)).status], [401, 200])
    // another process of the queue file, or a later one
    const worker = openOperatorQueue(api.file)
    const [, id = ''] = mine.split('.')
    assert.ok(worker.isSessionEnded(id))
    worker.close()
    const again = await post('/session/end', { ...OURS, Cookie: mine })
    assert.equal(again.status, 303)
  })

  it('end no session, and say so, while the queue cannot be written', async () => {
    const mine = await session()
    const writer = new Database(api.file, { busyMs: 0, create: false })
    writer.script('BEGIN IMMEDIATE')
    const end = await post('/session/end', { ...OURS, Cookie: mine })
    assert.deepEqual([end.status, end.headers.get('set-cookie')], [503, null])
    writer.script('ROLLBACK')
    writer.close()
    const page = await fetch(`${api.url}/search?q=a`, { headers: { Cookie: mine } })
    assert.equal(page.status, 200)
  })

  it('hold, cancel and retry a job, and say in the log that it was by hand', async () => {
    const [id, Cookie] = [queued(), await session()]
    for (const [word, state] of [
      ['hold', 'held'],
      ['retry', 'queued'],
      ['cancel', 'cancelled'],
    ] as const) {
      const done = await post(`/jobs/${id}/${word}`, { ...OURS, Cookie })
      assert.deepEqual([done.status, done.location, stateOf(id)], [303, `/ses-bounce/jobs/${id}`, state])
    }
    assert.equal(api.wakes, 1)
    assert.equal(api.log.at(-1), `notice: rule="[page]" job=${id} state=cancelled was=queued by=token`)
    const { entries } = api.operator.audit.page({ limit: 10 })
    assert.deepEqual(
      entries.map(({ who, via, action, target, items }) => [who, via, action, target, items]),
      ['cancel', 'retry', 'hold'].map(action => ['token', 'page', action, `job ${id}`, 1]),
    )
    const refused = await post(`/jobs/${id}/hold`, { ...OURS, Cookie })
    assert.equal(refused.status, 409)
    assert.match(refused.text, /Not changed: it is cancelled; only what is queued can become held\./)
    assert.equal((await post('/jobs/none/hold', { ...OURS, Cookie })).status, 404)
  })

  it('pause and resume the lane of an account by its name, which the page and the metrics show', async () => {
    const lane = '123456789012/eu-west-1'
    api.queue.add([request({ region: lane, deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)
    const Cookie = await session()
    const page = async () => (await fetch(`${api.url}/`, { headers: { Cookie } })).text()
    assert.ok((await page()).includes(`name="region" value="${lane}"`))
    assert.equal((await post('/pause', { ...OURS, Cookie }, { region: lane })).status, 303)
    assert.deepEqual(api.operator.pauses(), [{ region: lane, sinceMs: NOW_MS, who: 'token' }])
    assert.ok((await page()).includes(`Paused by hand: ${lane}`))
    const metrics = await (await fetch(`${api.url}/metrics`, { headers: bearer })).text()
    assert.ok(metrics.includes(`ses_bounce_paused{region="${lane}"} 1`), metrics)
    assert.equal((await post('/resume', { ...OURS, Cookie }, { region: lane })).status, 303)
    assert.deepEqual(api.operator.pauses(), [])
  })

  it('pause and resume a region or all, and never all by mistake', async () => {
    queued()
    const mine = { ...OURS, Cookie: await session() }
    assert.equal((await post('/pause', mine, { region: 'eu-west-1' })).status, 303)
    assert.deepEqual(api.operator.pauses(), [{ region: 'eu-west-1', sinceMs: NOW_MS, who: 'token' }])
    assert.equal((await post('/resume', mine, { region: 'eu-west-1' })).status, 303)
    assert.equal((await post('/pause', mine, { region: 'nowhere' })).status, 404)
    assert.equal((await post('/pause', mine)).status, 400)
    assert.deepEqual(api.operator.pauses(), [])
    assert.equal((await post('/pause', mine, { region: '' })).status, 303)
    assert.deepEqual(api.operator.pauses(), [{ sinceMs: NOW_MS, who: 'token' }])
    assert.equal((await post('/resume', mine, { region: '' })).status, 303)
    assert.deepEqual(api.operator.pauses(), [])
    const reason = 'a <b> new\nbounce sender'
    assert.equal((await post('/pause', mine, { region: '', reason })).status, 303)
    assert.deepEqual(api.operator.pauses(), [{ sinceMs: NOW_MS, who: 'token', reason }])
  })

  it('do nothing without the token, from any sender', async () => {
    const id = queued()
    const forged = `ses-bounce=${NOW_MS + 1000}.${'0'.repeat(64)}`
    for (const headers of [OURS, { ...OURS, Cookie: forged }, { ...OURS, Authorization: 'Bearer wrong' }]) {
      for (const path of [`/jobs/${id}/cancel`, '/pause', '/jobs/none/hold'])
        assert.equal((await post(path, headers, { region: '' })).status, 401, path)
    }
    assert.equal(stateOf(id), 'queued')
    assert.deepEqual(api.operator.pauses(), [])
  })

  it('do nothing for another site’s page, though the browser adds the cookie', async () => {
    const [id, Cookie] = [queued(), await session()]
    const own = new URL(api.url).origin
    for (const headers of [
      {},
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site', Origin: own },
      { 'Sec-Fetch-Site': 'none' },
      { Origin: 'https://elsewhere.example' },
      { Origin: 'null' },
    ]) {
      const refused = await post(`/jobs/${id}/cancel`, { ...headers, Cookie })
      assert.equal(refused.status, 403, JSON.stringify(headers))
      assert.equal((await post('/session', headers, { token: TOKEN })).status, 403)
    }
    assert.equal(stateOf(id), 'queued')
    assert.equal((await post(`/jobs/${id}/hold`, { Origin: own, Cookie })).status, 303)
    assert.equal((await post(`/jobs/${id}/cancel`, bearer)).status, 303, 'no page can send the header')
  })

  it('can’t be used where no token is set', async () => {
    const id = queued()
    api.configure('', '127.0.0.1', '')
    assert.equal((await post('/session', OURS, { token: TOKEN })).status, 401)
    assert.equal((await post(`/jobs/${id}/cancel`, { ...OURS, ...bearer })).status, 401)
    assert.match(await (await fetch(`${api.url}/`)).text(), /Read-only: there is no \[http\] token/)
  })
})

describe('a session of the status page', () => {
  const token = { name: 'token', role: 'operate', sha256: sha256(TOKEN) } as const
  const key = { token, secret: 'a1'.repeat(32) }
  const header = (nowMs: number) => sessionCookie(key, nowMs, true).split(';', 1)[0]
  const other: HttpToken = { name: 'other', role: 'read', sha256: sha256('another token') }
  const sessionWith = (cookie: string | undefined, tokens: HttpToken[], nowMs: number, { secret } = key) =>
    sessionOf(cookie, nowMs, { tokens, secretOf: () => secret, isEnded: () => false })

  it('is good for its token and its time', async () => {
    assert.match(sessionCookie(key, NOW_MS, true), /; Secure$/)
    const all = [other, token]
    assert.equal((await sessionWith(header(NOW_MS), all, NOW_MS + SESSION_MS - 1))?.token, token)
    assert.equal((await sessionWith(`ses-bounce=old; ${header(NOW_MS)}`, all, NOW_MS))?.token, token)
    for (const [cookie, tokens, nowMs] of [
      [header(NOW_MS), all, NOW_MS + SESSION_MS],
      [header(NOW_MS), all, NOW_MS - 1],
      [header(NOW_MS), [other], NOW_MS],
      [header(NOW_MS), [], NOW_MS],
      [undefined, all, NOW_MS],
      [header(NOW_MS)?.replace(/=\d+/, `=${NOW_MS + 1}`), all, NOW_MS],
      [header(NOW_MS)?.toUpperCase(), all, NOW_MS],
    ] as const)
      assert.equal(await sessionWith(cookie, [...tokens], nowMs), undefined, cookie)
    // a reader of the digest can make none
    assert.equal(await sessionWith(header(NOW_MS), all, NOW_MS, { ...key, secret: '' }), undefined)
  })

  it('recognises TLS of a proxy as that of the browser', () => {
    const host = 'mail.yours.example'
    assert.ok(isFromOurPage({ host, origin: `https://${host}` }))
    assert.ok(isFromOurPage({ host: 'Mail.yours.example', origin: `https://${host}` }))
    assert.ok(!isFromOurPage({ host, origin: `https://${host}:8443` }))
    assert.ok(!isFromOurPage({ host, origin: 'https://yours.example' }))
  })
})
