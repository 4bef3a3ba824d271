// Whatever is asked of the API, it answers, as described, and never with a fault of its own.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LIST_PARAMETERS } from '../../src/http/listing'
import { JOB_STATES } from '../../src/queue/job'
import { type Api, order, startApi } from './api-support'
import { isOrder } from './described'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2000)
const AT_ONCE = 20
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

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
  'x'.repeat(5000),
)
const text = fc.oneof(hostile, fc.string(), fc.string({ unit: 'binary', maxLength: 40 }))
/** What stands in place of one field of an order. */
const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.jsonValue())
const field = fc.constantFrom(...Object.keys(order()), 'explanation', 'bounce_sender', 'x')
const changed = fc
  .array(fc.tuple(field, value), { maxLength: 3 })
  .map(changes => order(Object.fromEntries(changes)))
const body = fc.oneof(
  { weight: 4, arbitrary: changed.map(one => JSON.stringify(one)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: text },
)
const query = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...LIST_PARAMETERS), text),
      fc.oneof(text, fc.constantFrom(...JOB_STATES), fc.nat().map(String)),
    ),
    { maxLength: 4 },
  )
  .map(pairs => new URLSearchParams(pairs).toString())
const segment = text.map(one => encodeURIComponent(one).replace(/^\.{1,2}$/, '%2E'))
const headers = fc.record(
  {
    'Idempotency-Key': fc.constantFrom('one', 'two', 'three four', 'x'.repeat(300)),
    'Content-Type': fc.constantFrom('application/json', 'text/plain', 'application/json; charset=utf-16'),
    Authorization: fc.oneof(
      { weight: 12, arbitrary: fc.constant('bearer a-token-for-the-tests') },
      { weight: 1, arbitrary: fc.constantFrom('Bearer wrong', 'Bearer', 'Basic x') },
    ),
  },
  { requiredKeys: [] },
)
const asked = fc.oneof(
  fc.record({ method: fc.constant('POST'), path: fc.constant('/v1/bounces'), body, headers }),
  fc.record({ method: fc.constant('GET'), path: query.map(one => `/v1/bounces?${one}`), headers }),
  fc.record({
    method: fc.constantFrom('GET', 'DELETE'),
    path: segment.map(one => `/v1/bounces/${one}`),
    headers,
  }),
  fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
    path: fc.oneof(
      fc.constantFrom('/v1/bounces', '/v1/openapi.json', '/v1/bounces/x'),
      fc.array(segment, { maxLength: 3 }).map(all => `/v1/${all.join('/')}`),
    ),
    headers,
  }),
)

describe('the API, whatever is asked of it', () => {
  let api: Api
  before(async () => {
    api = await startApi('[limit]\nper_sender =\n')
  })
  after(() => api.close())

  it(`answers ${RUNS} requests as described, none with a fault of its own, and still works`, async () => {
    const seen = new Map<number, number>()
    const requests = fc.sample(asked, { numRuns: RUNS, seed: SEED })
    for (let from = 0; from < requests.length; from += AT_ONCE) {
      const statuses = await Promise.all(
        requests.slice(from, from + AT_ONCE).map(one => {
          const given = 'body' in one && typeof one.body === 'string' ? one.body : undefined
          const answer = api.ask(one.method, one.path, given, one.headers)
          return answer.then(({ status }) => {
            assert.ok(
              status !== 202 || isOrder(JSON.parse(given ?? '')),
              `taken, but not described: ${given}`,
            )
            return status
          })
        }),
      )
      for (const status of statuses) seen.set(status, (seen.get(status) ?? 0) + 1)
    }
    const all = [...seen.keys()].toSorted((a, b) => a - b)
    assert.deepEqual(
      all.filter(status => status >= 500),
      [],
      `FUZZ_SEED=${SEED}\n${api.log.filter(line => line.startsWith('error')).join('\n')}`,
    )
    for (const status of [200, 202, 400, 401, 404, 405, 409, 415])
      assert.ok(
        seen.has(status),
        `FUZZ_SEED=${SEED}: ${status} was to come too: ${JSON.stringify([...seen])}`,
      )
    const { data, status } = await api.ask('POST', '/v1/bounces', order())
    assert.equal(status, 202)
    assert.equal((await api.ask('GET', `/v1/bounces/${String(data['id'])}`)).status, 200)
  })
})
