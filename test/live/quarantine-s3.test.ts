// [quarantine] store = s3://...: kept and quarantined mail lies in a bucket of a real S3 server, and nowhere on this host.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { openS3Store } from '../../src/quarantine/s3-store'
import { type S3Server, startS3 } from '../quarantine/s3-server'
import { sesBounceWith } from './support/command'
import { asHandedOn, bounceOf, deliveredOf, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = `[held]
recipient = held@yours.example
action = quarantine

[unknown]
recipient = *@yours.example
action = bounce
bounce.type = DoesNotExist
`
const REFUSED = {
  kind: 'error',
  status: 400,
  code: 'MessageRejected',
  message: 'Message not found.',
} as const
const PREFIX = 'haraka/mail'

describe('mail in a bucket of S3', () => {
  let s3: S3Server
  let product: Product
  let env: Record<string, string>
  before(async () => {
    s3 = await startS3()
    const { accessKeyId, secretAccessKey } = s3.config.credentials
    env = {
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_REGION: s3.config.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }
    product = await startFlow({
      rules: RULES,
      ini: { quarantine: { store: `s3://${s3.bucket}/${PREFIX}` } },
      haraka: { env: { AWS_ENDPOINT_URL_S3: s3.url, AWS_REGION: s3.config.region } },
      ses: {
        messages: [],
        faults: ({ params }) =>
          params['BouncedRecipientInfoList.member.1.Recipient']?.startsWith('bad') ? REFUSED : undefined,
      },
    })
  })
  after(async () => {
    await product.stop()
    await s3.close()
  })

  const keys = async () => {
    const store = openS3Store({ bucket: s3.bucket, prefix: PREFIX }, { config: s3.config })
    const names = await store.names()
    await store.close()
    return names
  }
  const quarantine = (...args: string[]) => sesBounceWith(env, product, 'quarantine', ...args)
  const listed = async () =>
    (await quarantine('list', '--json')).lines.map(line => JSON.parse(line) as { id: string; file: string })

  it('goes when SES has made the bounce', async () => {
    const { reply, mail } = await relay(product)
    assert.equal(said(reply), '250 Message accepted by policy')
    assert.equal((await keys()).length, 1)
    await bounceOf(product, mail)
    await until(async () => (await keys()).length === 0, { what: 'the mail to go' })
  })

  it('is in the quarantine when SES refuses the bounce, and can be deleted', async () => {
    await relay(product, { to: ['bad@yours.example'] })
    const [one, ...more] = await until(
      async () => {
        const found = await listed()
        return found.length > 0 && found
      },
      { what: 'the mail in the quarantine' },
    )
    assert.equal(more.length, 0)
    assert.equal(one?.file, `s3://${s3.bucket}/${PREFIX}/${one?.id}.eml`)
    const shown = await quarantine('show', one?.id ?? '')
    assert.match(
      shown.lines.join('\n'),
      /held for +bad@yours\.example by \[unknown\] its bounce has failed: /,
    )
    assert.deepEqual((await quarantine('delete', one?.id ?? '')).lines, [`${one?.id}: deleted`])
    assert.deepEqual(await listed(), [])
    assert.deepEqual(await keys(), [])
  })

  it('is released byte for byte', async () => {
    const { mail } = await relay(product, {
      to: ['held@yours.example'],
      headers: { Subject: 'From the bucket' },
    })
    const [{ id } = assert.fail()] = await listed()
    const { lines, code } = await quarantine('release', id)
    assert.deepEqual([lines, code], [[`${id}: released to held@yours.example`], 0])
    assert.deepEqual(
      deliveredOf(product, mail).map(({ to }) => to),
      [['held@yours.example']],
    )
    assert.deepEqual(await keys(), [])
    assert.ok(asHandedOn(mail).length > 0)
  })

  it('never lies on this host', () => {
    const folder = path.join(product.haraka.dir, 'ses-bounce')
    for (const name of ['kept', 'quarantine'])
      assert.deepEqual(existsSync(path.join(folder, name)) ? readdirSync(path.join(folder, name)) : [], [])
  })

  it('is refused for now while S3 is away, with no bounce, and mail for others goes on', async () => {
    await s3.close()
    const { reply, mail } = await relay(product, { to: ['gone@yours.example'] })
    assert.equal(reply.code, 450)
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    const other = await relay(product, { to: ['someone@elsewhere.example'] })
    assert.equal(other.reply.code, 250)
  })
})
