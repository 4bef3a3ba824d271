// Two hosts with one queue in PostgreSQL and one bucket of S3: mail that one of them quarantined is listed and released
// on the other.

import assert from 'node:assert/strict'
import { type FreshSchema, freshSchema } from '../postgres/shared'
import { type S3Server, startS3 } from '../quarantine/s3-server'
import { sesBounceWith } from './support/command'
import { deliveredOf, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'

const RULES = '[held]\nrecipient = held@yours.example\naction = quarantine\n'

describe('mail that one of two hosts quarantined', () => {
  let schema: FreshSchema
  let s3: S3Server
  let hosts: Product[]
  before(async () => {
    schema = await freshSchema()
    s3 = await startS3()
    const ini = {
      queue: { store: 'postgres', url: schema.url, schema: schema.schema },
      quarantine: { store: `s3://${s3.bucket}/mail` },
    }
    const env = { AWS_ENDPOINT_URL_S3: s3.url, AWS_REGION: s3.config.region }
    hosts = []
    for (const hostName of ['web-1', 'web-2'])
      hosts.push(
        await startFlow({
          rules: RULES,
          ini: { ...ini, queue: { ...ini.queue, host: hostName } },
          haraka: { env },
        }),
      )
  })
  after(async () => {
    for (const host of hosts) await host.stop()
    await s3.close()
    await schema.remove()
  })

  const quarantine = (host: Product, ...args: string[]) => {
    const { accessKeyId, secretAccessKey } = s3.config.credentials
    const env = {
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_REGION: s3.config.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }
    return sesBounceWith(env, host, 'quarantine', ...args)
  }

  it('is listed by both, and released by the other one, past the rules, once', async () => {
    const [one, other] = hosts as [Product, Product]
    const { reply, mail } = await relay(one, { to: ['held@yours.example'] })
    assert.equal(said(reply), '250 Message accepted by policy')
    const lists = [await quarantine(one, 'list', '--json'), await quarantine(other, 'list', '--json')]
    const [first, second] = lists.map(({ lines }) =>
      lines.map(line => (JSON.parse(line) as { id: string }).id),
    )
    assert.deepEqual(first, second)
    const [id = assert.fail()] = first ?? []
    assert.deepEqual((await quarantine(other, 'release', id)).lines, [
      `${id}: released to held@yours.example`,
    ])
    assert.deepEqual(deliveredOf(one, mail), [])
    assert.deepEqual(
      deliveredOf(other, mail).map(({ to }) => to),
      [['held@yours.example']],
    )
    assert.deepEqual((await quarantine(one, 'list', '--json')).lines, [])
    assert.equal((await quarantine(one, 'release', id)).code, 1)
  })

  it('is released by no token of a stranger', async () => {
    const [one] = hosts as [Product, Product]
    const { mail } = await relay(one, { to: ['held@yours.example'] })
    const { reply } = await relay(one, {
      mail,
      to: ['held@yours.example'],
      before: `XSESBOUNCEPASS ${'0'.repeat(64)}`,
    })
    assert.equal(said(reply), '550 5.7.1 This release token is not valid')
  })

  it('can be released by a command on another host than the one that accepts it', async () => {
    const [one, other] = hosts as [Product, Product]
    const [{ id } = assert.fail()] = (await quarantine(one, 'list', '--json')).lines.map(
      line => JSON.parse(line) as { id: string },
    )
    const to = `127.0.0.1:${other.haraka.port}`
    const { lines } = await quarantine(one, 'release', id, '--to', to)
    assert.deepEqual(lines, [`${id}: released to held@yours.example`])
  })
})
