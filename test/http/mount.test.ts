// The way in: which request reaches a handler, and what every answer has.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { QueueError } from '../../src/errors'
import { plainText, success } from '../../src/http/reply'
import type { Route } from '../../src/http/router'
import { bearer, type Served, serveRoutes, servingContext } from './support'

const ROUTES: Route[] = [
  { method: 'GET', path: '/', access: 'open', answer: () => plainText(200, 'the page') },
  { method: 'GET', path: '/v1/open', access: 'open', answer: () => success(200, {}) },
  {
    method: 'GET',
    path: '/v1/things/:id',
    access: 'read',
    answer: ({ params, query }) => success(200, { id: params['id'], query: [...query] }),
  },
  { method: 'DELETE', path: '/v1/things/:id', access: 'read', answer: () => success(200, {}) },
  {
    method: 'POST',
    path: '/v1/length',
    access: 'read',
    answer: async ({ body }) => success(200, { length: (await body()).length }),
  },
  {
    method: 'GET',
    path: '/v1/broken',
    access: 'open',
    answer: () => {
      throw new Error('a fault\u001b[31m of ours')
    },
  },
  {
    method: 'GET',
    path: '/v1/locked',
    access: 'open',
    answer: () => Promise.reject(new QueueError('QUEUE_BUSY', '/secret/place: busy')),
  },
]

describe("the routes below /ses-bounce on Haraka's web server", () => {
  let served: Served
  before(async () => {
    served = await serveRoutes(ROUTES, servingContext)
  })
  after(() => served.close())

  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(served.url + path, init)
    const text = await response.text()
    const isJson = text !== '' && response.headers.get('content-type')?.startsWith('application/json')
    const body = isJson ? (JSON.parse(text) as { error?: { code: string }; data?: unknown }) : undefined
    return { status: response.status, headers: response.headers, text, code: body?.error?.code, body }
  }

  it('is a page and an API; nobody else is answered in its place, and it in nobody else’s', async () => {
    assert.equal((await ask('/')).text, 'the page\n')
    assert.equal((await ask('')).text, 'the page\n', 'a redirect leads to it')
    assert.match((await ask('/nowhere')).text, /^there is nothing/)
    assert.equal((await ask('/v1/nowhere')).code, 'NOT_FOUND')
    const others = await fetch(served.url.replace('/ses-bounce', '/ses-bounces'))
    assert.match(await others.text(), /Cannot GET/, 'express itself answers')
  })

  it('needs the token where a route says so, in whatever case the scheme is written', async () => {
    for (const value of [
      undefined,
      'Bearer wrong',
      'Basic dTpw',
      bearer.Authorization.slice(0, -1),
      'Bearer ',
    ]) {
      const answer = await ask(
        '/v1/things/a',
        value === undefined ? {} : { headers: { Authorization: value } },
      )
      assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHORIZED'], value)
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /)
    }
    const given = bearer.Authorization
    for (const value of [given, given.replace('Bearer', 'bEARER'), given.replace(' ', '   ')]) {
      assert.equal((await ask('/v1/things/a', { headers: { Authorization: value } })).status, 200, value)
    }
  })

  it('says that the API is off where no token is set', async () => {
    const off = await serveRoutes(ROUTES, log => servingContext(log, ''))
    try {
      const response = await fetch(`${off.url}/v1/things/a`, { headers: bearer })
      assert.equal(response.status, 401)
      assert.match(await response.text(), /"API_OFF".*\[http\] token/)
      assert.equal((await fetch(`${off.url}/v1/open`)).status, 200)
    } finally {
      await off.close()
    }
  })

  it('reads names in the path and in the query, and confuses no paths', async () => {
    const { body } = await ask('/v1/things/%C3%A4%2Fb?x=1&x=%20', { headers: bearer })
    assert.deepEqual(body?.data, {
      id: 'ä/b',
      query: [
        ['x', '1'],
        ['x', ' '],
      ],
    })
    for (const path of [
      '/v1/things',
      '/v1/things/',
      '/v1/things/a/',
      '/v1/things/%ff',
      '/v1//open',
      '/V1/open',
      '/%76%31/open',
    ])
      assert.equal((await ask(path, { headers: bearer })).status, 404, path)
  })

  it('answers HEAD as GET without its body, and names the methods that there are', async () => {
    const [get, head] = [await ask('/v1/open'), await ask('/v1/open', { method: 'HEAD' })]
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.equal(head.headers.get('content-length'), get.headers.get('content-length'))
    for (const method of ['PUT', 'OPTIONS', 'POST', 'PATCH']) {
      const answer = await ask('/v1/things/a', { method, headers: { Origin: 'https://elsewhere.example' } })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD, DELETE'], method)
      assert.equal(answer.headers.get('access-control-allow-origin'), null)
    }
  })

  it('has the headers that keep a browser from harm in every answer', async () => {
    for (const path of ['/', '/v1/open', '/v1/nowhere', '/v1/broken', '/v1/things/a']) {
      const { headers } = await ask(path)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
      assert.equal(headers.get('cache-control'), 'no-store', path)
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, path)
      assert.equal(headers.get('x-powered-by'), null, path)
    }
  })

  it('makes a fault of the store a 503 and any other a 500, and tells the log alone what it was', async () => {
    const from = served.log.length
    const locked = await ask('/v1/locked')
    assert.deepEqual([locked.status, locked.code], [503, 'UNAVAILABLE'])
    assert.ok(Number(locked.headers.get('retry-after')) > 0)
    const broken = await ask('/v1/broken')
    assert.deepEqual([broken.status, broken.code], [500, 'INTERNAL'])
    assert.doesNotMatch(locked.text + broken.text, /secret|ours/)
    assert.deepEqual(served.log.slice(from), [
      'error: http: GET /ses-bounce/v1/locked: /secret/place: busy',
      'error: http: GET /ses-bounce/v1/broken: a fault\\u001b[31m of ours',
    ])
  })

  it('says that the plugin is idle where there is no queue for that reason, which is no fault', async () => {
    const idle = await serveRoutes(ROUTES, log => {
      const context = servingContext(log)
      return { ...context, activeConfig: () => ({ ...context.activeConfig(), idle: true }) }
    })
    try {
      const response = await fetch(`${idle.url}/v1/locked`)
      assert.equal(response.status, 503)
      assert.match(
        await response.text(),
        /"UNAVAILABLE".*the plugin is idle: no relay is trusted; set \[relay\] trusted/,
      )
      assert.deepEqual(idle.log, [])
    } finally {
      await idle.close()
    }
  })

  it('reads a body up to its limit, said or not said how long it is', async () => {
    const post = (body: string | ReadableStream) =>
      ask('/v1/length', { method: 'POST', headers: bearer, body, duplex: 'half' } as RequestInit)
    assert.deepEqual((await post('x'.repeat(262_144))).body?.data, { length: 262_144 })
    assert.equal((await post('x'.repeat(262_145))).code, 'PAYLOAD_TOO_LARGE')
    assert.equal((await post(new Blob(['x'.repeat(300_000)]).stream())).code, 'PAYLOAD_TOO_LARGE')
  })

  it('accepts a whole URL instead of a path, as a proxy may send it', async () => {
    const peer = connect(served.port, '127.0.0.1')
    peer.end(
      'GET HTTP://mx.yours.example:80/ses-bounce/v1/open?x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    assert.match(await text(peer), /^HTTP\/1\.1 200 OK\r\n[^]*\{"success":true,"data":\{\}\}\n$/)
  })

  it('goes on when a peer leaves in the middle of its body', async () => {
    const peer = connect(served.port, '127.0.0.1')
    const head = `POST /ses-bounce/v1/length HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${bearer.Authorization}\r\n`
    peer.write(`${head}Content-Length: 10\r\n\r\nabc`, () => peer.destroy())
    await new Promise(resolve => peer.once('close', resolve))
    assert.equal((await ask('/v1/open')).status, 200)
  })
})
