// Wrong tokens: who gave them is in the log, their answers take longer and longer, and good ones are never held up.

import assert from 'node:assert/strict'
import { plainText, success } from '../../src/http/reply'
import type { Route } from '../../src/http/router'
import { WrongTokens } from '../../src/http/wrong-tokens'
import { bearer, serveRoutes, servingContext } from './support'

const MINUTE_MS = 60_000

function make() {
  const clock = { ms: 1000 }
  const lines: string[] = []
  const waits: number[] = []
  const wrong = new WrongTokens({
    warn: line => lines.push(line),
    nowMonoMs: () => clock.ms,
    wait: async ms => void waits.push(ms),
  })
  return { clock, lines, waits, wrong }
}

describe('wrong tokens', () => {
  it('are answered later and later, up to five seconds, after three that may be typing errors', async () => {
    const { waits, wrong, clock } = make()
    for (let n = 0; n < 12; n++) await wrong.given('192.0.2.1')
    assert.deepEqual(waits, [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000])
    await wrong.given('192.0.2.2')
    assert.equal(waits.length, 9, 'another peer begins anew')
    clock.ms += 10 * MINUTE_MS
    await wrong.given('192.0.2.1')
    assert.equal(waits.length, 9, 'it is forgotten after a while')
  })

  it('count for a network of IPv6 as for one peer, and for an IPv4 address within IPv6 as for itself', async () => {
    const { waits, wrong } = make()
    for (const address of [
      '2001:db8:1:2::1',
      '2001:DB8:1:2:3:4:5:6',
      '2001:db8:1:2:ffff::',
      '2001:db8:1:2::9',
    ])
      await wrong.given(address)
    assert.deepEqual(waits, [200])
    await wrong.given('2001:db8:1:3::1')
    for (const address of ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.1'])
      await wrong.given(address)
    assert.deepEqual(waits, [200, 200])
  })

  it('are in the log with the address alone, a line a minute for a peer and ten for all', async () => {
    const { lines, wrong, clock } = make()
    for (let n = 0; n < 5; n++) await wrong.given('::ffff:192.0.2.1')
    clock.ms += MINUTE_MS
    await wrong.given('192.0.2.1')
    assert.deepEqual(lines, [
      'http: wrong token from 192.0.2.1',
      'http: wrong token from 192.0.2.1 (5 since the last line)',
    ])
    clock.ms += MINUTE_MS
    lines.length = 0
    for (let n = 0; n < 500; n++) await wrong.given(`198.51.100.${n % 250}`)
    assert.equal(lines.length, 11)
    assert.match(lines.at(-1) ?? '', /not named for a minute/)
    clock.ms += MINUTE_MS
    await wrong.given('x\r\n[CRIT] forged')
    assert.equal(lines.at(-1), 'http: wrong token from an unknown address')
  })

  it('are remembered for a bounded number of peers: the one that was wrong longest ago is forgotten first', async () => {
    const { waits, wrong } = make()
    const thrice = async (address: string) => {
      for (let n = 0; n < 3; n++) await wrong.given(address)
    }
    await thrice('192.0.2.1')
    await thrice('192.0.2.2')
    for (let n = 0; n < 998; n++) await wrong.given(`10.0.${n >> 8}.${n & 255}`)
    await wrong.given('192.0.2.1')
    assert.deepEqual(waits, [200])
    await wrong.given('10.1.0.0')
    await wrong.given('192.0.2.2')
    assert.deepEqual(waits, [200])
  })

  it('wait in a bounded number: what comes beyond it is answered at once', async () => {
    let waiting = 0
    let release: () => void = () => undefined
    const released = new Promise<void>(resolve => (release = resolve))
    const wrong = new WrongTokens({
      warn: () => undefined,
      nowMonoMs: () => 0,
      wait: () => {
        waiting += 1
        return released
      },
    })
    const all = Array.from({ length: 500 }, () => wrong.given('192.0.2.1'))
    assert.equal(waiting, 100)
    await all.at(-1)
    release()
    await Promise.all(all)
    void wrong.given('192.0.2.1')
    assert.equal(waiting, 101)
  })

  it('do not hold up a good token of the same peer, on any route', async () => {
    const ROUTES: Route[] = [
      { method: 'GET', path: '/', access: 'open', answer: () => plainText(200, 'the page') },
      { method: 'GET', path: '/v1/things', access: 'read', answer: () => success(200, {}) },
    ]
    const served = await serveRoutes(ROUTES, servingContext)
    try {
      const ask = (path: string, headers: Record<string, string>) => fetch(served.url + path, { headers })
      const wrong = { Authorization: 'Bearer wrong' }
      const order: string[] = []
      const asked = Array.from({ length: 6 }, async (_, n) => {
        const { status } = await ask(n % 2 ? '/' : '/v1/things', wrong)
        order.push('wrong')
        return status
      })
      const good = ask('/v1/things', bearer).then(({ status }) => {
        order.push('good')
        return status
      })
      assert.deepEqual(await Promise.all(asked), [401, 200, 401, 200, 401, 200])
      assert.equal(await good, 200)
      assert.notEqual(order.at(-1), 'good', 'three of the wrong ones were slowed down')
      // another scheme, as a proxy's own password, is no token
      const { length } = served.log
      for (let n = 0; n < 5; n++) assert.equal((await ask('/', { Authorization: 'Basic eDp4' })).status, 200)
      assert.equal(served.log.length, length)
      assert.deepEqual(served.log, ['warn: http: wrong token from 127.0.0.1'])
    } finally {
      await served.close()
    }
  })
})
