// Two Harakas with one queue in a database: what each says of itself, of the other one, and of what both have done.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { main } from '../../src/cli/main'
import { type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { ran } from '../cli/support'
import { type Family, readOpenMetrics } from '../http/open-metrics'
import { DATABASE, LOGIN } from '../postgres/server'
import { type FreshSchema, freshSchema, sharedPort } from '../postgres/shared'
import { askHttp, TOKEN, webServers } from './support/http'
import { freePort } from './support/ports'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

/** Each host tells of itself every 10 s; and a loaded machine. */
const TOLD_MS = 30_000

interface Host {
  product: Product
  port: number
}

describe('two Harakas with one queue', function () {
  let schema: FreshSchema
  let ses: SesEmulator
  let hosts: [Host, Host]

  before(async () => {
    schema = await freshSchema()
    ses = await startSesEmulator({ messages: 'any' })
    hosts = [await start('web-1'), await start('web-2')]
  })
  after(async () => {
    await Promise.all(hosts.map(({ product }) => product.stop()))
    await ses.close()
    await schema.remove()
  })

  async function start(name: string): Promise<Host> {
    const port = await freePort()
    const url = `postgres://${LOGIN}@127.0.0.1:${await sharedPort()}/${DATABASE}`
    const product = await startProduct({
      localSes: ses,
      ini: {
        queue: { store: 'postgres', url, schema: schema.schema, host: name, timeout: '10s' },
        http: { token: TOKEN },
      },
      haraka: { files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` } },
    })
    await webServers(product.haraka, 1)
    return { product, port }
  }

  const [first, second] = [() => hosts[0], () => hosts[1]]

  async function scrape({ port }: Host): Promise<Family[]> {
    const { status, text } = await askHttp(port, '/metrics', { authorization: `Bearer ${TOKEN}` })
    assert.equal(status, 200, text)
    return readOpenMetrics(text)
  }

  function values(families: readonly Family[], name: string): number[] {
    return families
      .filter(family => family.name === `ses_bounce_${name}`)
      .flatMap(({ samples }) => samples.map(({ value }) => value))
  }

  const command = (host: Host, ...args: string[]) =>
    ran(out => main([...args, '--dir', host.product.haraka.dir], out))

  it('know each other, and agree which one leads', async () => {
    await until(async () => values(await scrape(second()), 'hosts')[0] === 2, { what: 'two hosts' })
    const both = await Promise.all(hosts.map(scrape))
    assert.deepEqual(
      both.map(one => values(one, 'hosts')[0]),
      [2, 2],
    )
    assert.equal(both.filter(one => values(one, 'leader')[0] === 1).length, 1)
    assert.deepEqual(
      both.map(one => values(one, 'term')[0]),
      [1, 1],
    )
    for (const one of both) assert.ok(Math.abs(values(one, 'clock_skew_seconds')[0] ?? 9) < 1)
    const { lines } = await command(second(), 'queue', 'hosts')
    assert.equal(lines.length, 2)
    assert.match(lines.join('\n'), /^web-1 {2}leads, term 1, .*\nweb-2 {2}stands by, /)
  })

  it('count for themselves in the metrics, and together on the page', async () => {
    for (const [index, { product }] of [first(), second(), second()].entries()) {
      const { reply } = await product.deliver({ sender: `someone${index}@origin.example` })
      assert.equal(reply.code, 250)
    }
    const inspected = async (host: Host) => values(await scrape(host), 'mails_inspected')[0]
    await until(async () => (await inspected(first())) === 1 && (await inspected(second())) === 2, {
      what: 'counts of their own',
    })
    await until(async () => values(await scrape(first()), 'jobs').reduce((sum, one) => sum + one, 0) === 3, {
      what: 'the jobs of both',
    })
    const authorization = `Bearer ${TOKEN}`
    const { text } = await askHttp(second().port, '/', { authorization })
    assert.match(text, /web-1 leads, term 1; also here: web-2/)
    assert.match(text, /unknown-mailbox/)
    const families = await scrape(second())
    assert.ok(values(families, 'store_duration_seconds').length > 0)
    assert.deepEqual(values(families, 'store_faults'), [0])
  })

  it('show the same job from either, and change it from either', async () => {
    assert.equal((await command(second(), 'queue', 'pause')).code, 0)
    const { reply } = await first().product.deliver({ sender: 'paused@origin.example' })
    assert.equal(reply.code, 250)
    const list = async (host: Host) => (await command(host, 'queue', 'list', '--state', 'queued')).lines
    const [, line = ''] = await list(second())
    const [id = ''] = line.split(' ')
    assert.deepEqual((await command(second(), 'queue', 'hold', id)).lines, [`${id}: held, it was queued`])
    assert.deepEqual((await command(first(), 'queue', 'cancel', id)).lines, [`${id}: cancelled, it was held`])
    assert.equal((await command(first(), 'queue', 'resume')).code, 0)
  })

  it('tell each other of a change of their files', async () => {
    const digest = async () => {
      const family = (await scrape(second())).find(({ name }) => name === 'ses_bounce_config_info')
      return family?.samples[0]?.labels['digest'] ?? ''
    }
    const before = await digest()
    const hostLine = async () =>
      (await command(first(), 'queue', 'hosts')).lines.find(line => line.startsWith('web-2')) ?? ''
    // their names and the ports of their web servers don't count
    assert.ok((await hostLine()).includes(`configuration ${before}, up for`))
    const rules = path.join(second().product.haraka.dir, 'config/ses-bounce-rules.ini')
    writeFileSync(rules, '[other]\nrecipient = *@*\naction = accept\n')
    await until(async () => (await digest()) !== before, { what: 'another digest' })
    const now = await digest()
    await until(
      async () => (await hostLine()).includes(`configuration ${now}, another than the leader has`),
      {
        what: 'the new digest in the list of hosts',
        timeoutMs: TOLD_MS,
      },
    )
  })

  it('go on with the other one when the one that leads ends in good order', async () => {
    const { haraka } = first().product
    await haraka.stop()
    await until(async () => values(await scrape(second()), 'leader')[0] === 1, { what: 'a new leader' })
    assert.equal(values(await scrape(second()), 'term')[0], 2)
    const { lines } = await command(second(), 'queue', 'stats')
    assert.match(lines.join('\n'), /web-2 leads, term 2/)
  })
})
