// Under which names the page and the API may be asked: a page of another site must not read them by DNS rebinding.

import assert from 'node:assert/strict'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { checkHost } from '../../src/http/host-name'
import { plainText, success } from '../../src/http/reply'
import type { Route } from '../../src/http/router'
import { type Served, serveRoutes, servingContext } from './support'

const NAMES = new Set(['mx.yours.example', 'status.yours.example'])

const OURS = [
  '127.0.0.1',
  '127.0.0.1:8080',
  '192.0.2.7:80',
  '[::1]',
  '[::1]:8080',
  '[2001:db8::1]:8080',
  'localhost',
  'LocalHost:8080',
  'localhost.',
  'page.localhost:1',
  'mx.yours.example',
  'MX.Yours.Example:8080',
  'mx.yours.example.',
  'status.yours.example:443',
  '',
  undefined,
]
const OTHERS = [
  'evil.example',
  'evil.example:8080',
  'yours.example',
  'x.mx.yours.example',
  'mx.yours.example.evil.example',
  'notlocalhost',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  // forms that a browser would write as an address; as names they are none
  '127.1',
  '0x7f.1',
  '2130706433',
  '[::1',
  '::1',
  '[::1].evil.example',
  'a@127.0.0.1',
  '127.0.0.1@evil.example',
  '127.0.0.1/x',
  '127.0.0.1:80:80',
  '127.0.0.1:8080 ',
  'evil.example\t',
  'a'.repeat(5000),
  '\u00e9vil.example',
  '<script>',
]

describe('the name that a request came in under', () => {
  it('passes when it is an address, a loopback name or one of ours', () => {
    for (const host of OURS) checkHost('/', [host], NAMES)
  })

  it('is refused with 421 and the key that would allow it when it is any other', () => {
    for (const host of OTHERS) {
      assert.throws(
        () => checkHost('/v1/bounces', [host], NAMES),
        { status: 421, message: /\[http\] hosts/ },
        host,
      )
      assert.throws(() => checkHost('/', ['127.0.0.1', host], NAMES), { status: 421 }, host)
    }
  })

  it('is not looked at for metrics and health, which programs ask for', () => {
    for (const path of ['/metrics', '/health', '/health/sending']) checkHost(path, ['evil.example'], NAMES)
    for (const path of ['/metrics/', '/metricsx', '//metrics'])
      assert.throws(() => checkHost(path, ['evil.example'], NAMES), { status: 421 })
  })

  describe('over HTTP', () => {
    const ROUTES: Route[] = [
      { method: 'GET', path: '/', access: 'open', answer: () => plainText(200, 'the page') },
      { method: 'GET', path: '/metrics', access: 'open', answer: () => plainText(200, 'metrics') },
      { method: 'GET', path: '/v1/open', access: 'open', answer: () => success(200, {}) },
    ]
    let served: Served
    before(async () => {
      served = await serveRoutes(ROUTES, servingContext)
    })
    after(() => served.close())

    const ask = async (path: string, host: string, headers: http.OutgoingHttpHeaders = {}) => {
      const response = await new Promise<http.IncomingMessage>((resolve, reject) =>
        http
          .get({ port: served.port, host: '127.0.0.1', path, headers: { ...headers, Host: host } }, resolve)
          .on('error', reject),
      )
      return { status: response.statusCode, headers: response.headers, text: await text(response) }
    }

    it('decides for every route, also where there is none, and by the name in the target, too', async () => {
      assert.equal((await ask('/ses-bounce/', 'mx.yours.example:1')).status, 200)
      for (const path of ['/ses-bounce/', '/ses-bounce', '/ses-bounce/v1/open', '/ses-bounce/none'])
        assert.equal((await ask(path, 'rebound.example')).status, 421, path)
      assert.equal((await ask('http://rebound.example/ses-bounce/', '127.0.0.1')).status, 421)
      assert.equal((await ask('/ses-bounce/metrics', 'rebound.example')).status, 200)
    })

    it('is answered in the form of what was asked: a page, the envelope of the API, or a line', async () => {
      const page = await ask('/ses-bounce/', 'rebound.example', { accept: 'text/html' })
      assert.match(
        page.text,
        /This name is not allowed.*&quot;rebound\.example&quot; isn(?:&#39;|')t a name of this server/s,
      )
      const api = JSON.parse((await ask('/ses-bounce/v1/open', 'rebound.example')).text) as unknown
      assert.deepEqual(api, {
        success: false,
        error: {
          code: 'MISDIRECTED',
          message:
            '"rebound.example" isn\'t a name of this server; to allow it, add it to [http] hosts in config/ses-bounce.ini',
        },
      })
      const odd = await ask('/ses-bounce/', '"><script>alert(1)</script>', { accept: 'text/html' })
      assert.equal(odd.status, 421)
      assert.doesNotMatch(odd.text, /<script>alert/)
    })
  })
})
