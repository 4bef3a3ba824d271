// Whatever is asked of the API, the pages and the metrics, they answer, as described, never with a fault of their own;
// and nothing of it is left behind. `FUZZ_SEED` and `FUZZ_RUNS` repeat a run.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { submission } from './api-support'
import { assertDescribed, isOrder } from './described'
import { type Asked, api, others, type Raw, raw } from './fuzz-requests'
import { FuzzedServer } from './fuzz-run'
import type { Held } from './fuzz-server'
import { bearer } from './support'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2000)
/** The same requests in each run: all of the statuses below are among the answers. The soak sends others. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const AT_ONCE = 20
/** Memory is measured after each. In the first ones code is compiled, statements are prepared, caches filled. */
const ROUNDS = 10
const WARM = 4
/**
 * The most growth in all later rounds, for code that was still compiled. A kept request takes some thousands of bytes.
 */
const GROWTH_BYTES = 1_000_000

describe('the web server, whatever is asked of it', () => {
  let server: FuzzedServer
  const held: Held[] = []
  const seen = new Map<number, number>()
  const note = (statuses: readonly number[]) => {
    for (const status of statuses) seen.set(status, (seen.get(status) ?? 0) + 1)
  }
  const seeded = <T>(arbitrary: fc.Arbitrary<T>, part: number) =>
    fc.sample(arbitrary, { numRuns: Math.ceil(RUNS * part), seed: SEED })

  const askApi = async (one: Asked) => {
    const { status, text } = await server.ask(one)
    assertDescribed(one.method, one.path, status, JSON.parse(text))
    assert.ok(status !== 202 || isOrder(JSON.parse(one.body ?? '')), `taken, but not described: ${one.body}`)
    note([status])
  }
  const askOther = async (one: Asked) => {
    const { status, type, text } = await server.ask(one)
    assert.ok(/^text\/|^application\/openmetrics/.test(type) || text === '', `${one.path}: ${type}`)
    note([status])
  }
  const send = async (one: Raw) => note(await server.send(one))

  before(async () => {
    server = await FuzzedServer.begin()
    const work = [
      seeded(api, 0.6).map(one => () => askApi(one)),
      seeded(others, 0.2).map(one => () => askOther(one)),
      seeded(raw, 0.2).map(one => () => send(one)),
    ]
    for (let round = 0; round < ROUNDS; round++) {
      const some = work.flatMap(all => all.filter((_, index) => index % ROUNDS === round))
      // a prime's multiples: each once, all kinds mixed
      const shuffled = some.map((_, index) => some[(index * 7919) % some.length] ?? (async () => undefined))
      for (let from = 0; from < shuffled.length; from += AT_ONCE)
        await Promise.all(shuffled.slice(from, from + AT_ONCE).map(one => one()))
      held.push(await server.held())
    }
  })
  after(() => server?.end())

  const told = () => `FUZZ_SEED=${SEED}: ${JSON.stringify([...seen].toSorted(([a], [b]) => a - b))}`

  it(`answers ${RUNS} requests as described, none with a fault of its own, and still works`, async () => {
    assert.deepEqual(
      held.flatMap(({ errors }) => errors),
      [],
      told(),
    )
    assert.deepEqual(
      [...seen.keys()].filter(status => status >= 500),
      [],
      told(),
    )
    for (const status of [200, 202, 303, 400, 401, 403, 404, 405, 409, 413, 415])
      assert.ok(seen.has(status), `${status} was to come too; ${told()}`)
    const headers = { ...bearer, 'Content-Type': 'application/json' }
    const taken = await server.ask({
      method: 'POST',
      path: '/v1/bounces',
      headers,
      body: JSON.stringify(submission()),
    })
    assert.equal(taken.status, 202)
    const { data } = JSON.parse(taken.text) as { data: { id: string } }
    assert.equal((await server.ask({ method: 'GET', path: `/v1/bounces/${data.id}`, headers })).status, 200)
  })

  it('is left with nothing of it: no memory, no file, no timer', () => {
    const [from, ...later] = held.slice(WARM)
    const last = later.at(-1)
    assert.ok(from && last)
    assert.deepEqual([last.files, last.resources], [from.files, from.resources])
    assert.ok(last.answers <= 2, `${last.answers} answers for the two keys that were good`)
    const bytes = held.map(({ heapBytes }) => heapBytes)
    const least = Math.min(...later.map(({ heapBytes }) => heapBytes))
    assert.ok(
      least - from.heapBytes < GROWTH_BYTES && last.heapBytes - from.heapBytes < GROWTH_BYTES,
      `FUZZ_SEED=${SEED}: ${bytes.join(' ')}`,
    )
  })
})
