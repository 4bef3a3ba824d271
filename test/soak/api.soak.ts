// The fuzz test of `npm test`, with ten thousand requests, and clients that stall. `FUZZ_SEED=1 npm run test:soak`
// Their resources are let go within a bound, whatever they do.

import assert from 'node:assert/strict'
import { POST } from '../http/fuzz-requests'
import { FuzzedServer } from '../http/fuzz-run'

process.env['FUZZ_RUNS'] = '10000'
process.env['FUZZ_SEED'] ??= String(Date.now() % 2 ** 31)
require('../http/fuzz.test')

/** Node.js: headersTimeout is 60 s, and is looked at every 30 s. */
const HEAD_MS = 100_000
/** The plugin's own for a body is 10 s. */
const BODY_MS = 30_000

describe('a client that stalls', function () {
  this.timeout(2 * HEAD_MS)
  let server: FuzzedServer
  before(async () => {
    server = await FuzzedServer.begin()
  })
  after(() => server?.end())

  it('is told so and let go, while others are served', async () => {
    const from = performance.now()
    const stalled = async (bytes: string) => {
      const answer = await server.stall(bytes)
      return { answer, ms: performance.now() - from }
    }
    const body = stalled(`${POST}Content-Length: 100\r\n\r\n{"region":`)
    const chunks = stalled(`${POST}Transfer-Encoding: chunked\r\n\r\n3\r\n{"r\r\n`)
    const heads = [stalled('GET /ses-bounce/ HTTP/1.1\r\nHost: x\r\n'), stalled('G'), stalled('')]
    const other = await server.ask({ method: 'GET', path: '/', headers: {} })
    assert.equal(other.status, 200)
    for (const { answer, ms } of await Promise.all([body, chunks])) {
      assert.match(answer, /^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/)
      assert.ok(ms < BODY_MS, `${ms} ms`)
    }
    for (const { ms } of await Promise.all(heads)) assert.ok(ms < HEAD_MS, `${ms} ms`)
    assert.deepEqual((await server.held()).errors, [])
  })
})
