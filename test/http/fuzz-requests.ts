// Requests of a hostile or broken client: some that an HTTP client sends, and bytes that none would.
// Arbitraries only; nothing here asks anybody.

import fc from 'fast-check'
import { LIST_PARAMETERS } from '../../src/http/listing'
import { QUARANTINE_PARAMETERS } from '../../src/http/quarantine-query'
import { QUARANTINE_REASONS } from '../../src/quarantine/reasons'
import { JOB_STATES } from '../../src/queue/job'
import { submission } from './api-support'
import { TOKEN } from './support'

export interface Asked {
  method: string
  /** Below /ses-bounce. */
  path: string
  headers: Record<string, string>
  body?: string
}

/** `client`: what it does when it has sent it all: waits for the end, is gone, or never reads. */
export interface Raw {
  bytes: Buffer
  client: 'waits' | 'is gone' | 'never reads'
}

const hostile = fc.constantFrom(
  '',
  ' ',
  '<>',
  "' OR 1=1 --",
  '\u0000',
  '\u202e',
  '\r\nX: y',
  '%',
  '[api]',
  '__proto__',
  'a@yours.example',
  '"a b"@origin.example',
  '2025-02-30T00:00:00Z',
  'x'.repeat(5000),
)
const text = fc.oneof(hostile, fc.string(), fc.string({ unit: 'binary', maxLength: 40 }))
/** A value in place of one field of an order. */
const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.jsonValue())
const field = fc.constantFrom(...Object.keys(submission()), 'explanation', 'bounce_sender', 'x')
const changed = fc
  .array(fc.tuple(field, value), { maxLength: 3 })
  .map(changes => JSON.stringify(submission(Object.fromEntries(changes))))
const body = fc.oneof(
  { weight: 4, arbitrary: changed },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: text },
)
const query = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...LIST_PARAMETERS, 'q'), text),
      fc.oneof(text, fc.constantFrom(...JOB_STATES), fc.nat().map(String)),
    ),
    { maxLength: 4 },
  )
  .map(pairs => new URLSearchParams(pairs).toString())
const quarantineQuery = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...QUARANTINE_PARAMETERS, 'q'), text),
      fc.oneof(text, fc.constantFrom(...QUARANTINE_REASONS, '2025-01-01T00:00:00Z'), fc.nat().map(String)),
    ),
    { maxLength: 4 },
  )
  .map(pairs => new URLSearchParams(pairs).toString())
const segment = text.map(encodeURIComponent)

const authorization = fc.oneof(
  { weight: 12, arbitrary: fc.constant(`bearer ${TOKEN}`) },
  { weight: 1, arbitrary: fc.constantFrom('Bearer wrong', 'Bearer', 'Basic x') },
)
const headers = fc
  .record(
    {
      'Idempotency-Key': fc.constantFrom('one', 'two', 'three four', 'x'.repeat(300)),
      'Content-Type': fc.constantFrom('application/json', 'text/plain', 'application/json; charset=utf-16'),
      Accept: fc.constantFrom('text/plain', 'text/html', '*/*', 'application/openmetrics-text;q=x', ',;q'),
      Cookie: fc.constantFrom('ses-bounce=1.2', 'ses-bounce', `ses-bounce=999999999999999.${'0'.repeat(64)}`),
    },
    { requiredKeys: [] },
  )
  .map(some => ({ 'Content-Type': 'application/json', ...some }))
const withToken = fc.tuple(headers, authorization).map(([all, Authorization]) => ({ ...all, Authorization }))

export const api: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({ method: fc.constant('POST'), path: fc.constant('/v1/bounces'), body, headers: withToken }),
  fc.record({
    method: fc.constant('GET'),
    path: query.map(one => `/v1/bounces?${one}`),
    headers: withToken,
  }),
  fc.record({
    method: fc.constant('GET'),
    path: quarantineQuery.map(one => `/v1/quarantine?${one}`),
    headers: withToken,
  }),
  fc.record({
    method: fc.constantFrom('GET', 'DELETE', 'POST'),
    path: fc
      .tuple(
        fc.oneof(segment, fc.constant('0'.repeat(24))),
        fc.constantFrom('', '/release', '?reason=', '/release?reason=%00'),
      )
      .map(([one, more]) => `/v1/quarantine/${one}${more}`),
    headers: withToken,
  }),
  fc.record({
    method: fc.constantFrom('GET', 'DELETE'),
    path: segment.map(one => `/v1/bounces/${one}`),
    headers: withToken,
  }),
  fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'),
    path: fc.oneof(
      fc.constantFrom('/v1/bounces', '/v1/openapi.json', '/v1/bounces/x', '/v1'),
      fc.array(segment, { maxLength: 3 }).map(all => `/v1/${all.join('/')}`),
    ),
    headers: withToken,
  }),
)

const FORM = 'application/x-www-form-urlencoded'
const form = fc
  .array(
    fc.tuple(fc.constantFrom('token', 'region', 'x'), fc.oneof(text, fc.constantFrom(TOKEN, 'eu-west-1'))),
    {
      maxLength: 3,
    },
  )
  .map(pairs => new URLSearchParams(pairs).toString())
const fromPage = fc.record({
  'Sec-Fetch-Site': fc.constantFrom('same-origin', 'same-origin', 'cross-site', 'none'),
  Authorization: authorization,
  'Content-Type': fc.constantFrom(FORM, FORM, 'multipart/form-data', 'text/plain'),
})

/** The page, its forms and the metrics. */
export const others: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({
    method: fc.constantFrom('GET', 'HEAD'),
    path: fc.oneof(
      fc.constantFrom('', '/', '/metrics', '/page.css', '/page.js'),
      query.map(one => `/search?${one}`),
      query.map(one => `/?${one}`),
      segment.map(one => `/jobs/${one}`),
    ),
    headers: withToken,
  }),
  fc.record({
    method: fc.constant('POST'),
    path: fc.oneof(
      fc.constantFrom('/session', '/session/end', '/pause', '/resume'),
      fc
        .tuple(segment, fc.constantFrom('retry', 'cancel', 'hold'))
        .map(([id, word]) => `/jobs/${id}/${word}`),
    ),
    headers: fromPage,
    body: form,
  }),
)

const HEAD = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`
export const POST = `POST /ses-bounce/v1/bounces HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\n`
const LIST = `GET /ses-bounce/v1/bounces?limit=200 HTTP/1.1\r\n${HEAD}\r\n`
const whole = () => {
  const json = JSON.stringify(submission())
  return `${POST}Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`
}

/** Lines that no client should begin with. */
const BEGINNINGS = [
  'GET //ses-bounce/v1/bounces HTTP/1.1',
  'GET /ses-bounce//v1/bounces HTTP/1.1',
  'GET /ses-bounce/../ses-bounce/ HTTP/1.1',
  'GET http://elsewhere.example/ses-bounce/v1/bounces HTTP/1.1',
  'GET /ses-bounce/v1/bounces/% HTTP/1.1',
  'GET /ses-bounce/v1/bounces/%zz?%=%zz HTTP/1.1',
  'GET /ses-bounce/jobs/%c3%28 HTTP/1.1',
  'GET /ses-bounce/search?q=%00%ff HTTP/1.1',
  'GET /ses-bounce/v1/bounces\u0000 HTTP/1.1',
  'GET /ses-bounce/v1/\u00ff\u00fe HTTP/1.1',
  `GET /ses-bounce/${'a'.repeat(20_000)} HTTP/1.1`,
  `GET /ses-bounce${'/a'.repeat(4000)} HTTP/1.1`,
  'HEAD /ses-bounce/metrics HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'OPTIONS /ses-bounce/v1/bounces HTTP/1.1',
  'TRACE /ses-bounce/v1/bounces HTTP/1.1',
  'CONNECT /ses-bounce/v1/bounces HTTP/1.1',
  'CONNECT elsewhere.example:443 HTTP/1.1',
  'get /ses-bounce/ HTTP/1.1',
  'GET /ses-bounce/',
  'GET /ses-bounce/ HTTP/1.0',
  'GET /ses-bounce/ HTTP/3.7',
  'PRI * HTTP/2.0',
]
/** Header fields that no client should send. */
const FIELDS = [
  '',
  'Host: y\r\n',
  'Authorization: Bearer another\r\n',
  'Idempotency-Key: a\r\nIdempotency-Key: b\r\n',
  'Content-Length: 3\r\nContent-Length: 4\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Expect: 100-continue\r\n',
  'Expect: something\r\n',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n',
  'No colon\r\n',
  ' folded: x\r\n',
  'X: \u0001\r\n',
  `X: ${'x'.repeat(20_000)}\r\n`,
  'X: y\r\n'.repeat(3000),
]
const broken = fc
  .tuple(fc.constantFrom(...BEGINNINGS), fc.constantFrom(...FIELDS), fc.constantFrom('\r\n', '\n'))
  .map(([first, fields, end]) => `${first}${end}${HEAD}${fields}${end}`)
const bodies = fc.constantFrom(
  `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\nZZ\r\n`,
  `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":`,
  `${POST}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(20_000)}\r\n{"a":\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\n\r\n${`1000\r\n${' '.repeat(4096)}\r\n`.repeat(80)}0\r\n\r\n`,
  `${POST}Content-Length: 100\r\n\r\n{"original_message_id":`,
  `${POST}Content-Length: 300000\r\n\r\n${' '.repeat(300_000)}`,
  `${POST}Content-Length: 2\r\n\r\n{}{}{}`,
  `POST /ses-bounce/session HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: ${FORM}\r\nContent-Length: 9\r\n\r\ntoken=`,
)
const many = fc
  .array(fc.oneof(fc.constant(LIST), fc.constant(0).map(whole), broken), { minLength: 2, maxLength: 20 })
  .map(all => all.join(''))
const cutOff = fc
  .tuple(fc.constant(0).map(whole), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([all, part]) => all.slice(0, Math.ceil(all.length * part)))
const noise = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map(bytes => Buffer.from(bytes).toString('latin1'))

export const raw: fc.Arbitrary<Raw> = fc.record({
  bytes: fc.oneof(broken, bodies, many, cutOff, noise).map(all => Buffer.from(all, 'latin1')),
  client: fc.constantFrom('waits', 'waits', 'is gone', 'never reads'),
})
