// The quarantine on the status page: what it shows to whom, and that what a mail says stays text.

import assert from 'node:assert/strict'
import { type Api, NOW_MS, startApi } from './api-support'
import { hold } from './quarantined'
import { bearer } from './support'

const EVIL = `"'><script>alert(1)</script><img src=x onerror=alert(1)>\u202etxt`
const HOUR_MS = 3_600_000

describe('the quarantine on the status page', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const get = async (path: string, headers: Record<string, string> = bearer) => {
    const response = await fetch(api.url + path, { headers, redirect: 'manual' })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const post = async (path: string, form = '', headers: Record<string, string> = bearer) => {
    const response = await fetch(api.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: form,
      redirect: 'manual',
    })
    return {
      status: response.status,
      location: response.headers.get('location'),
      text: await response.text(),
    }
  }

  it('is linked from the first page, and shown only with the token', async () => {
    const id = await hold(api, 'x')
    assert.match((await get('/')).text, /href="\/ses-bounce\/quarantine"/)
    for (const path of ['/quarantine', `/quarantine/${id}`]) {
      const { status, text } = await get(path, {})
      assert.equal(status, 401)
      assert.doesNotMatch(text, /origin\.example/)
    }
    assert.equal(
      (await post(`/quarantine/${id}/delete`, '', { Origin: api.url.replace(/\/ses-bounce$/, '') })).status,
      401,
    )
    assert.equal((await post(`/quarantine/${id}/delete`, '', {})).status, 403)
    assert.equal((await get('/quarantine')).status, 200)
  })

  it('lists mail with filters, whose empty fields and days a form sends, and leads on to older mail', async () => {
    const first = await hold(api, 'first one', { atMs: NOW_MS - 48 * HOUR_MS })
    await hold(api, 'second one', { held: [{ reason: 'unsafe: null sender', rule: 'x' }] })
    const all = await get('/quarantine?reason=&rule=&sender=&recipient=&since=&until=')
    assert.match(all.text, /second one[\s\S]*first one/)
    assert.match(all.text, new RegExp(`href="/ses-bounce/quarantine/${first}"`))
    assert.match(all.text, /2 mails in the quarantine/)
    const unsafe = await get('/quarantine?reason=unsafe&rule=x')
    assert.doesNotMatch(unsafe.text, /first one/)
    assert.match(unsafe.text, /<option value="unsafe" selected>/)
    assert.match(unsafe.text, /name="rule" value="x"/)
    const old = await get('/quarantine?until=2024-12-30')
    assert.match(old.text, /first one/)
    assert.doesNotMatch(old.text, /second one/)
    const page = await get('/quarantine?limit=1&sender=%40origin.example')
    const [, next = ''] = /href="([^"]*)">Older mail/.exec(page.text) ?? []
    assert.match(next, /sender=%40origin\.example&amp;cursor=/)
    const older = await get(next.replace('/ses-bounce', '').replaceAll('&amp;', '&'))
    assert.match(older.text, /first one/)
    assert.equal((await get('/quarantine?since=yesterday')).status, 400)
  })

  it('shows a mail with its text, all of it as text, and renews neither page by itself', async () => {
    const raw = [
      `From: ${EVIL}@origin.example`,
      `Subject: =?utf-8?b?${Buffer.from(EVIL).toString('base64')}?=`,
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      `plain ${EVIL}`,
      '\tindented',
      '--b',
      'Content-Type: text/html',
      '',
      '<b>bold</b><script>alert(1)</script><style>p{}</style><a href="javascript:alert(1)">x</a>',
      '--b',
      'Content-Type: application/x-evil',
      `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(EVIL)}`,
      '',
      'x',
      '--b--',
      '',
    ].join('\r\n')
    const held = [{ recipient: `"${EVIL}"@yours.example`, rule: EVIL, reason: `unsafe: ${EVIL}`, job: EVIL }]
    const id = await hold(api, 'evil', { raw, sender: EVIL, held })
    for (const path of ['/quarantine', `/quarantine/${id}`]) {
      const { status, text, headers } = await get(path)
      assert.equal(status, 200)
      assert.doesNotMatch(text, /<script>|<img src=x|[\u202e]/, path)
      assert.ok(text.includes('\\u202etxt'), path)
      assert.match(
        headers.get('content-security-policy') ?? '',
        /default-src 'none'; style-src 'self'; script-src 'self'/,
      )
      assert.doesNotMatch(text, /data-live/, path)
    }
    const { text } = await get(`/quarantine/${id}`)
    assert.match(text, /<pre class="mail"[^>]*>plain &quot;/)
    assert.match(text, /\n {4}indented/)
    assert.match(text, /Text of the HTML[\s\S]*bold/)
    assert.match(text, /application\/x-evil/)
  })

  it('asks again before it deletes, and then deletes, in the audit with the reason', async () => {
    const id = await hold(api, 'x')
    const { text } = await get(`/quarantine/${id}`)
    assert.match(
      text,
      new RegExp(
        `<details class="confirm"><summary>Delete</summary>\\s*<form action="/ses-bounce/quarantine/${id}/delete"`,
      ),
    )
    const { status, location } = await post(`/quarantine/${id}/delete`, 'reason=spam')
    assert.deepEqual([status, location], [303, '/ses-bounce/quarantine'])
    assert.equal((await get(`/quarantine/${id}`)).status, 404)
    assert.equal((await post(`/quarantine/${id}/delete`)).status, 404)
    const [entry] = api.operator.audit.page({ limit: 1 }).entries
    assert.deepEqual([entry?.action, entry?.via, entry?.reason], ['delete', 'page', 'spam'])
  })

  it('shows a token to read the mail without buttons, and refuses its forms', async () => {
    const reads = { Authorization: 'Bearer token-that-may-only-read' }
    api.configure('', undefined, undefined, 'token.monitoring = token-that-may-only-read')
    const id = await hold(api, 'x')
    const { status, text } = await get(`/quarantine/${id}`, reads)
    assert.equal(status, 200)
    assert.match(text, /<pre class="mail"/)
    assert.doesNotMatch(text, /class="confirm"/)
    for (const what of ['delete', 'release'])
      assert.equal((await post(`/quarantine/${id}/${what}`, '', reads)).status, 403)
    assert.equal((await get(`/quarantine/${id}`, reads)).status, 200)
  })

  it('says why a mail was not released, and still shows it', async () => {
    const id = await hold(api, 'x')
    const without = await post(`/quarantine/${id}/release`)
    assert.equal(without.status, 409)
    assert.match(without.text, /Not released: smtp\.ini names no address/)
    api.smtp.endpoint = { host: '127.0.0.1', port: 1 }
    const refused = await post(`/quarantine/${id}/release`)
    assert.match(refused.text, /Not released: 127\.0\.0\.1:1 did not accept it/)
    assert.match(refused.text, /<pre class="mail"/)
  })
})
