import assert from 'node:assert/strict'
import type { Fault } from '../../src/ses-emulator/faults'
import { sesBounce } from './support/command'
import { keptOf } from './support/flow'
import { newSesId } from './support/mail'
import { BOUNCE_ALL, type Product, startProduct } from './support/product'
import { until } from './support/wait'

const INTERVAL_MS = 100
const TIMEOUT_MS = 400

/** After an hour its mail is accepted. */
const FRESH_ONLY = `
[fresh]
recipient = fresh@yours.example
age = < 1h
action = bounce

[old]
recipient = fresh@yours.example
action = accept

`

/** Answers of SES, or of a part before it. */
const FAULTS: Record<string, Fault> = {
  throttling: { kind: 'throttle' },
  'service unavailable': { kind: 'status', status: 503, body: 'Service Unavailable' },
  'a web page for an error': { kind: 'status', status: 502, body: '<html><body>Bad Gateway</body></html>' },
  'a reset connection': { kind: 'reset' },
  'a reset after the bounce was made': { kind: 'reset', after: 'carried-out' },
  silence: { kind: 'silence' },
  'a web page for an answer': { kind: 'garbage' },
  'an empty answer': { kind: 'empty' },
  'expired credentials': {
    kind: 'error',
    status: 403,
    code: 'ExpiredToken',
    message: 'The security token included in the request is expired',
  },
}

describe('when SES fails', function () {
  let product: Product
  before(async () => {
    product = await startProduct({
      rules: `${FRESH_ONLY}${BOUNCE_ALL}`,
      ini: {
        limit: { interval: `${INTERVAL_MS}ms` },
        queue: { retry: '50ms..200ms' },
        ses: { timeout: `${TIMEOUT_MS}ms` },
      },
      // whoever has to open a connection comes late, and must not have the next call on his heels
      ses: { intervalMs: INTERVAL_MS, handshakeDelayMs: 60 },
    })
    await product.deliver()
    await product.calls(1)
  })
  after(() => product.stop())

  function state(sesId: string): string | undefined {
    return product.jobs({ sesId })[0]?.state
  }

  for (const [what, fault] of Object.entries(FAULTS)) {
    if (what === 'expired credentials') continue
    it(`with ${what}, the job is sent in the end, one call at a time`, async () => {
      const from = product.ses.calls.length
      product.ses.setFaults([fault, fault])
      const { mail } = await product.deliver()
      await until(() => state(mail.sesId) === 'sent', { what: 'the job to be sent' })
      const calls = product.ses.calls.slice(from)
      assert.equal(calls.length, 3)
      for (const [index, call] of calls.slice(1).entries()) {
        const gapMs = call.headersAtMs - (calls[index]?.headersAtMs ?? 0)
        const leastMs = fault.kind === 'silence' ? TIMEOUT_MS : INTERVAL_MS
        assert.ok(gapMs >= leastMs, `${gapMs} ms after the last call`)
      }
    })
  }

  it('that throttles, the region slows down, says so, and speeds up again with each bounce', async () => {
    const spacingMs = async () => {
      const { lines } = await sesBounce(product, 'queue', 'stats', '--json')
      const { regions } = JSON.parse(lines.join('')) as { regions: { spacing_ms: number }[] }
      return regions[0]?.spacing_ms ?? 0
    }
    const from = product.ses.calls.length
    product.ses.setFaults([{ kind: 'throttle' }, { kind: 'throttle' }, { kind: 'throttle' }])
    const { mail } = await product.deliver()
    await until(() => state(mail.sesId) === 'sent', { what: 'the job to be sent' })
    const calls = product.ses.calls.slice(from)
    const gapsMs = calls.slice(1).map((call, index) => call.headersAtMs - (calls[index]?.headersAtMs ?? 0))
    assert.equal(gapsMs.length, 3)
    for (const [n, gapMs] of gapsMs.entries()) assert.ok(gapMs >= INTERVAL_MS * 1.5 ** (n + 1), `${gapMs}`)
    const slowMs = await spacingMs()
    assert.ok(slowMs > 2 * INTERVAL_MS, `${slowMs}`)
    const { lines } = await sesBounce(product, 'queue', 'stats')
    assert.match(lines.join('\n'), /throttled, a call every [\d.]+ ?m?s now/)
    for (let n = 0; n < 3; n++) {
      const { mail: next } = await product.deliver()
      await until(() => state(next.sesId) === 'sent', { what: 'the next to be sent' })
    }
    assert.ok((await spacingMs()) < slowMs)
  })

  it('an outcome that stays unknown is held after unknown_tries calls', async () => {
    const fault = FAULTS['a reset connection']
    product.ses.setFaults([fault, fault, fault])
    const { mail } = await product.deliver()
    await until(() => state(mail.sesId) === 'held', { what: 'the job to be held' })
    assert.equal(product.jobs({ sesId: mail.sesId })[0]?.unknownTries, 3)
  })

  it("a permanent refusal ends the job, with SES's words", async () => {
    product.ses.setFaults([
      { kind: 'error', status: 400, code: 'MessageRejected', message: 'No such message.' },
    ])
    const { mail } = await product.deliver()
    await until(() => state(mail.sesId) === 'failed', { what: 'the job to fail' })
    assert.match(product.jobs({ sesId: mail.sesId })[0]?.reason ?? '', /MessageRejected: No such message\./)
    const again = await product.deliver({ sesId: mail.sesId })
    // what got 250 is in the quarantine, and so is what comes after it
    assert.equal(again.reply.code, 250, again.reply.text)
    await until(() => keptOf(product, mail).length > 0, { what: 'the mail in the quarantine' })
    assert.deepEqual(product.haraka.delivered(), [])
  })

  it('a refusal of several recipients is not the end for those that SES had', async () => {
    product.ses.setFaults([])
    const sesId = newSesId()
    const known = { sesId, region: 'eu-west-1', sender: 'sender@origin.example', receivedAtMs: Date.now() }
    product.ses.addMessage({ ...known, recipients: ['good@yours.example'] })
    const to = ['good@yours.example', 'bad@yours.example']
    const { reply } = await product.deliver({
      sesId,
      recipient: 'good@yours.example',
      to,
      headers: { To: to.join(', ') },
    })
    assert.equal(reply.code, 250, reply.text)
    await until(() => product.jobs({ sesId }).every(({ state }) => state === 'sent' || state === 'failed'), {
      what: 'both to end',
    })
    const ends = product.jobs({ sesId }).map(({ state, recipients }) => [recipients[0]?.address, state])
    assert.deepEqual(Object.fromEntries(ends), {
      'good@yours.example': 'sent',
      'bad@yours.example': 'failed',
    })
  })

  it('a mail whose bounce was made is not delivered when the relay sends it again, though the rules would accept it by now', async () => {
    product.ses.setFaults([])
    const { mail } = await product.deliver({ recipient: 'fresh@yours.example' })
    await until(() => state(mail.sesId) === 'sent', { what: 'the job to be sent' })
    const receivedAt = new Date(Date.now() - 2 * 3_600_000)
    const again = await product.deliver({ sesId: mail.sesId, recipient: 'fresh@yours.example', receivedAt })
    assert.match(again.reply.text, /Message accepted by policy/)
    assert.deepEqual(product.haraka.delivered(), [])
  })

  it('a mail whose bounce was made gets 250 also after its window has ended', async () => {
    product.ses.setFaults([])
    const { mail } = await product.deliver()
    await until(() => state(mail.sesId) === 'sent', { what: 'the job to be sent' })
    const calls = product.ses.calls.length
    const late = await product.deliver({
      sesId: mail.sesId,
      receivedAt: new Date(Date.now() - 25 * 3_600_000),
    })
    assert.equal(late.reply.code, 250, late.reply.text)
    assert.deepEqual(product.haraka.delivered(), [])
    assert.equal(product.ses.calls.length, calls)
  })

  it('a fault that is not of the mail keeps the job, and says so loudly', async () => {
    const since = product.haraka.log().length
    product.ses.setFaults([FAULTS['expired credentials']])
    const { mail } = await product.deliver()
    const line = await product.haraka.waitForLog(/ExpiredToken/, { since })
    assert.match(line, /\[ERROR\]/)
    assert.equal(state(mail.sesId), 'queued')
  })
})
