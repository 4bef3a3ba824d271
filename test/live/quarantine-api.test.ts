// The quarantine of a whole Haraka: seen, released and deleted through the API, the same as by the command.

import assert from 'node:assert/strict'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { sesBounce } from './support/command'
import { deliveredOf, keptOf, relay } from './support/flow'
import { askHttp, startServed, TOKEN } from './support/http'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = `[held]\nrecipient = held@yours.example, other@yours.example\naction = quarantine\n`

interface Listed {
  id: string
  subject?: string
  held: { recipient: string; rule: string }[]
}

describe('the quarantine of a whole Haraka', () => {
  let product: Product
  let port: number
  before(async () => {
    ;({ product, port } = await startServed(RULES))
  })
  after(() => product?.stop())

  function ask(method: string, where: string): Promise<{ status: number; data: Record<string, unknown> }> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${TOKEN}` }
      http
        .request(
          { port, path: `/ses-bounce/v1/quarantine${where}`, method, agent: false, headers },
          response => {
            text(response).then(all => {
              const { data, error } = JSON.parse(all) as Record<string, Record<string, unknown>>
              resolve({ status: response.statusCode ?? 0, data: data ?? error ?? {} })
            }, reject)
          },
        )
        .once('error', reject)
        .end()
    })
  }
  const listed = async (query = '') => (await ask('GET', query)).data['mails'] as Listed[]

  it('is listed by filter, and a mail is released once, past the rules, to whom it was held for', async () => {
    const to = ['held@yours.example', 'user@yours.example']
    const { mail } = await relay(product, { to, headers: { Subject: 'For the quarantine' } })
    await relay(product, { to: ['other@yours.example'] })
    const [one, ...more] = await listed('?recipient=held@yours.example')
    assert.ok(one)
    assert.deepEqual([one.subject, one.held.length, more.length], ['For the quarantine', 1, 0])
    const { data } = await ask('GET', `/${one.id}`)
    assert.match(JSON.stringify(data['preview']), /For the quarantine/)
    // two at once: one of them is told that the other is under way, or that it is gone
    const both = await Promise.all([1, 2].map(() => ask('POST', `/${one.id}/release?reason=asked%20for`)))
    assert.equal(both.filter(({ status }) => status === 200).length, 1)
    assert.deepEqual(both.find(({ status }) => status === 200)?.data, {
      id: one.id,
      released_to: ['held@yours.example'],
    })
    assert.deepEqual(
      deliveredOf(product, mail).map(({ to: recipients }) => recipients),
      [['user@yours.example'], ['held@yours.example']],
    )
    assert.deepEqual(keptOf(product, mail), [])
    assert.equal((await ask('GET', `/${one.id}`)).status, 404)
    const { lines } = await sesBounce(product, 'queue', 'audit', '--json')
    const [entry] = lines.map(line => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      [entry?.['action'], entry?.['via'], entry?.['who'], entry?.['reason'], entry?.['target']],
      ['release', 'api', 'token', 'asked for', `${one.id} to held@yours.example`],
    )
  })

  it('is counted in the metrics, by reason', async () => {
    const counted = /^ses_bounce_mails_quarantined_total\{reason="rule"\} 2$/m
    const metrics = async () => (await askHttp(port, '/metrics', { authorization: `Bearer ${TOKEN}` })).text
    await until(async () => counted.test(await metrics()), { what: 'the counts of both workers' })
    assert.match(await metrics(), /^ses_bounce_mails\{place="quarantine"\} 1$/m)
  })

  it('is filtered by the command, which shows the text too, and a mail is deleted by the API', async () => {
    const { lines } = await sesBounce(
      product,
      'quarantine',
      'list',
      '--recipient',
      '@yours.example',
      '--json',
    )
    assert.deepEqual(
      lines.map(line => (JSON.parse(line) as Listed).held[0]?.recipient),
      ['other@yours.example'],
    )
    assert.deepEqual(
      (await sesBounce(product, 'quarantine', 'list', '--reason', 'unsafe')).lines.slice(0, -1),
      ['there is no such mail'],
    )
    const [one] = await listed()
    const shown = await sesBounce(product, 'quarantine', 'show', '--text', one?.id ?? '')
    assert.ok(shown.lines.includes('text'), shown.lines.join('\n'))
    assert.equal((await ask('DELETE', `/${one?.id}`)).status, 200)
    assert.deepEqual(await listed(), [])
  })
})
