// The status page over a real queue file: what it shows to whom, and that what others wrote stays text.

import assert from 'node:assert/strict'
import { html, lines } from '../../src/http/html'
import { byHand } from '../queue/by-hand-calls'
import { HOUR_MS } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'
import { EVIL, fillHostile } from './hostile'
import { bearer } from './support'

/** The text as the page must show it. */
const TAMED =
  '&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&lt;img src=x onerror=alert(1)&gt;\\u202etxt\\u000d\\u000a\\u0007\\u2066'

describe('html', () => {
  it('escapes everything that was not written as HTML, in lists and within itself, once', () => {
    const inner = html`<b title="${EVIL}">${EVIL}</b>`
    assert.equal(
      html`<p>${[inner, 1, undefined, false, ['<']]}</p>`.text,
      `<p><b title="${TAMED}">${TAMED}</b>1&lt;</p>`,
    )
    assert.equal(lines(['<a', 'b\n']).text, '&lt;a\nb\\u000a')
  })
})

describe('the status page', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const get = async (path: string, headers: Record<string, string> = bearer) => {
    const response = await fetch(api.url + path, { headers, redirect: 'manual' })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  it('of an empty queue is whole', async () => {
    const { status, text } = await get('/')
    assert.equal(status, 200)
    assert.match(text, /All is well\./)
    assert.match(text, /No jobs are waiting\./)
    assert.match(text, /The dispatcher runs/)
    assert.match(text, /No configuration was refused/)
  })

  it('shows what there is, and keeps all of it text', async () => {
    const [id = ''] = fillHostile(api)
    api.operator.pause(undefined, NOW_MS)
    const { text } = await get('/')
    assertTame(text)
    for (const shown of [
      'region ',
      'sender ',
      'to ',
      'rule ',
      'decided ',
      'from ',
      'because ',
      'wrong ',
      'ses-',
    ])
      assert.ok(text.includes(shown + TAMED), shown)
    assert.match(text, /<dt>queued<\/dt><dd><a href="[^"]*state=queued"[^>]*>2<\/a>/)
    assert.match(text, /Paused by hand: every region/)
    assert.match(text, /The configuration has errors; the previous one is in force/)
    assert.match(text, /1h left/)
    assert.match(text, /5s ago/)
    assert.ok(text.includes(`href="/ses-bounce/jobs/${id}"`))
    api.clock.monoMs += 31_000
    assert.match(
      (await get('/')).text,
      /<h1 [^>]*>Stopped: no dispatcher runs: no heartbeat for 31 s; 2 waiting jobs will miss/,
    )
  })

  it('shows a job with its history and its call, and finds it by address and by id', async () => {
    const [id = '', other = ''] = fillHostile(api)
    const { status, text } = await get(`/jobs/${id}`)
    assert.equal(status, 200)
    assertTame(text)
    for (const shown of ['daemon ', 'arn ', 'smtp; ', '5.1.1 ', 'sender ', 'to ', 'rule '])
      assert.ok(text.includes(shown + TAMED), shown)
    assert.match(text, /&quot;Explanation&quot;: &quot;explanation /)
    assert.match(text, /<td class="nowrap" data-column="What">queued<\/td>/)
    for (const asked of ['user@yours.example', 'SENDER@origin.example', other]) {
      const found = await get(`/search?q=${encodeURIComponent(asked)}`)
      assert.match(found.text, /1 found\./, asked)
      assert.ok(found.text.includes(`/jobs/${other}"`), asked)
    }
    const bySesId = await get(`/search?q=${encodeURIComponent(`ses-${EVIL}`)}`)
    assert.match(bySesId.text, /1 found\./)
    for (const asked of ['', EVIL, '@', 'nobody@yours.example', 'x'.repeat(5000)]) {
      const none = await get(`/search?q=${encodeURIComponent(asked)}`)
      assert.match(none.text, /: 0 found\./, asked)
      assertTame(none.text)
    }
  })

  it('says for an hour that something ended without a bounce', async () => {
    const [, id = ''] = fillHostile(api)
    byHand(api.operator).cancel(id, NOW_MS)
    assert.doesNotMatch((await get('/')).text, /ended without a bounce\./, 'by hand')
    const now = { ms: NOW_MS, monoMs: api.clock.monoMs }
    const region = `region ${EVIL}`
    const spacing = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }
    const claim = api.dispatcher.claim(region, now, spacing) ?? assert.fail()
    api.dispatcher.begin(claim, now)
    api.dispatcher.settle(claim, { state: 'failed', detail: EVIL }, { ms: NOW_MS, seenMonoMs: now.monoMs })
    const said =
      /In the last hour <a href="\/ses-bounce(\/lost\?since=[^"]*)">1 job<\/a> ended without a bounce\./
    const [, link = ''] = said.exec((await get('/')).text) ?? assert.fail()
    assert.match((await get(link)).text, /1 failed or expired since/)
    assert.equal((await get(link, {})).status, 401)
    assert.match((await get('/', {})).text, /In the last hour 1 job ended without a bounce\.</)
    api.clock.ms += HOUR_MS + 5 * 60_000
    assert.doesNotMatch((await get('/')).text, /ended without a bounce\./)
  })

  it('shows the latest jobs of a state', async () => {
    const [id = '', other = ''] = fillHostile(api)
    byHand(api.operator).cancel(other, NOW_MS)
    const queued = await get('/search?state=queued')
    assertTame(queued.text)
    assert.match(queued.text, /The latest 1 of 1\./)
    assert.ok(queued.text.includes(`/jobs/${id}"`))
    const cancelled = await get('/search?state=cancelled')
    assert.ok(cancelled.text.includes(`/jobs/${other}"`) && !cancelled.text.includes(`/jobs/${id}"`))
    assert.match((await get('/search?state=failed')).text, /There are none\./)
    assert.match((await get(`/search?state=${encodeURIComponent(EVIL)}`)).text, /0 found/)
    assert.equal((await get('/search?state=queued', {})).status, 401)
  })

  it('shows only numbers, states and regions without the token', async () => {
    const [id = ''] = fillHostile(api)
    for (const headers of [{}, { Authorization: 'Bearer wrong' }, { Cookie: 'ses-bounce=1.00' }]) {
      const { status, text } = await get('/', headers)
      assert.equal(status, 200)
      assertTame(text)
      assert.match(text, /<dt>queued<\/dt><dd>2<\/dd>/)
      for (const hidden of ['sender ', 'to ', 'rule ', 'decided ', 'from ', 'because ', 'wrong ', 'ses-'])
        assert.ok(!text.includes(hidden + TAMED), hidden)
      for (const hidden of [
        id,
        'user@yours.example',
        'sender@origin.example',
        'unknown-mailbox',
        process.version,
      ])
        assert.ok(!text.includes(hidden), hidden)
      assert.doesNotMatch(text, /\/(?:pause|resume|search)"/)
      for (const path of [`/jobs/${id}`, '/jobs/none', '/search?q=user@yours.example']) {
        const refused = await get(path, headers)
        assert.equal(refused.status, 401, path)
        assert.ok(!refused.text.includes('yours.example'))
      }
    }
  })

  it('tells the browser to run and load nothing but its own files', async () => {
    fillHostile(api)
    for (const path of ['/', '/jobs/none', '/search?q=x']) {
      const { headers, text } = await get(path)
      const policy = (headers.get('content-security-policy') ?? '').split('; ')
      assert.deepEqual(policy, [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ])
      assert.equal(headers.get('referrer-policy'), 'same-origin')
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.doesNotMatch(text, /\sstyle=|\son\w+="|javascript:|<style/)
      const loaded = [...text.matchAll(/(?:src|<link[^>]* href)="([^"]*)"/g)].map(([, url]) => url)
      const files = ['icon.svg', 'page.css', 'page.js', 'icon.svg'].map(name => `/ses-bounce/${name}`)
      assert.deepEqual(loaded, files)
    }
    for (const [path, type] of [
      ['/page.css', 'text/css; charset=utf-8'],
      ['/page.js', 'text/javascript; charset=utf-8'],
      ['/icon.svg', 'image/svg+xml; charset=utf-8'],
    ] as const) {
      const asset = await get(path, {})
      assert.deepEqual([asset.status, asset.headers.get('content-type')], [200, type])
      const text = asset.text.replace('xmlns="http://www.w3.org/2000/svg"', '')
      assert.doesNotMatch(text, /https?:|@import|url\(/)
    }
  })

  it('says of what is not there that it is not', async () => {
    assert.equal((await get('/jobs/none')).status, 404)
    assert.match((await get('/jobs/none')).text, /There is no such job/)
    for (const path of ['/jobs', '/jobs/', '/jobs/a/b', '/page', '/search/x'])
      assert.equal((await get(path)).status, 404, path)
  })

  it('draws what ended and when deadlines are', async () => {
    const ids = fillHostile(api)
    byHand(api.operator).cancel(ids[1] ?? '', NOW_MS + 1000)
    api.clock.ms += 2000
    const { text } = await get('/', {})
    assert.match(text, /<title>12:00: 0 bounced, 1 ended without, about 1 waiting<\/title>/)
    assert.match(text, /Deadlines of jobs that wait, by hours from now: at most 1 in one\./)
  })
})

/** No markup, control or mark of others is left. */
function assertTame(text: string): void {
  for (const raw of ['<script>', '<img src=x', ')</script>', '\u202e', '\u2066', '\u0007', '\r'])
    assert.ok(!text.includes(raw), JSON.stringify(raw))
  assert.equal([...text.matchAll(/<script/g)].length, 1, 'the page’s own')
}
