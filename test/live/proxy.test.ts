// A host that reaches AWS by a proxy alone: HTTPS_PROXY and NO_PROXY, through a whole Haraka and through the commands.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { EMULATOR_CREDENTIALS, type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { atEnd } from './support/cleanup'
import { sesBounceWith } from './support/command'
import { type ConnectProxy, startConnectProxy, TRUSTED } from './support/connect-proxy'
import { LogLines } from './support/log'
import { sesMail } from './support/mail'
import { builtFile } from './support/package-folder'
import { killIfAlive } from './support/processes'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

const REGION = 'eu-west-1'
const SES_HOST = `email.${REGION}.amazonaws.com:443`
const KEYS = {
  AWS_ACCESS_KEY_ID: EMULATOR_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: EMULATOR_CREDENTIALS.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
}
/** Each call of the emulator is AWS's own, as no endpoint is set. */
const INI = { ses: { endpoint: '', timeout: '2s' }, queue: { retry: '100ms..200ms' } }

describe('a proxy that HTTPS_PROXY names', () => {
  let ses: SesEmulator
  let proxy: ConnectProxy
  let product: Product | undefined
  beforeEach(async () => {
    ses = await startSesEmulator({ intervalMs: 0, identities: ['yours.example'] })
    proxy = await startConnectProxy(() => Number(new URL(ses.url).port))
  })
  afterEach(async () => {
    await product?.stop()
    product = undefined
    await proxy.close()
    await ses.close()
  })

  const withLogin = () => proxy.url.replace('//', '//host%40one:p%3Aw@')

  async function start(env: Record<string, string>): Promise<Product> {
    product = await startProduct({ localSes: ses, ini: INI, haraka: { env: { ...TRUSTED, ...env } } })
    return product
  }

  it('leads each bounce of a Haraka to SES, with its login', async () => {
    const haraka = await start({ HTTPS_PROXY: withLogin() })
    await haraka.deliver()
    await haraka.calls(1)
    await haraka.deliver()
    const [first, second] = await haraka.calls(2)
    assert.deepEqual([first?.action, second?.action], ['SendBounce', 'SendBounce'])
    assert.deepEqual(new Set(proxy.asked), new Set([SES_HOST]))
    const login = `Basic ${Buffer.from('host@one:p:w').toString('base64')}`
    assert.deepEqual(new Set(proxy.logins), new Set([login]))
    assert.ok(!haraka.haraka.log().join('\n').includes('p:w'))
  })

  it('that refuses or never answers delays a bounce, which is neither lost nor made twice', async () => {
    proxy.mode = 407
    const haraka = await start({ https_proxy: proxy.url })
    const { mail } = await haraka.deliver()
    await until(() => proxy.asked.length >= 2, { what: 'two tries that the proxy refuses' })
    // of SES it would mean that the credentials are refused
    proxy.mode = 403
    const before = proxy.asked.length
    await until(() => proxy.asked.length > before + 1, { what: 'tries that the proxy forbids' })
    const [job] = haraka.jobs({ sesId: mail.sesId })
    const { lines } = await sesBounceWith(TRUSTED, haraka, 'queue', 'show', job?.id ?? '')
    assert.match(lines.join('\n'), /retry: Error: the proxy answered 407 Not now/)
    assert.match(lines.join('\n'), /retry: Error: the proxy answered 403 Not now/)
    assert.deepEqual((await sesBounceWith(TRUSTED, haraka, 'queue', 'stats')).lines.filter(isBlocked), [])
    proxy.mode = 'silent'
    const refused = proxy.asked.length
    await until(() => proxy.asked.length > refused + 1, { what: 'tries that the proxy never answers' })
    assert.equal(ses.calls.length, 0)
    proxy.mode = 'connects'
    await until(() => haraka.jobs({ sesId: mail.sesId, state: 'sent' }).length === 1, { what: 'the bounce' })
    assert.equal(ses.calls.length, 1)
  })

  it('is not asked where NO_PROXY names the host, nor for an endpoint of plain http', async () => {
    const { url } = proxy
    // there is no AWS here: what matters is that the proxy isn't asked
    product = await startProduct({ localSes: ses, haraka: { env: { HTTPS_PROXY: url } } })
    await product.deliver()
    await product.calls(1)
    const env = { ...KEYS, ...TRUSTED, HTTPS_PROXY: url, NO_PROXY: '.amazonaws.com', AWS_REGION: REGION }
    const settings = { ses: { endpoint: '', timeout: '1s' } }
    await product.stop()
    product = await startProduct({ localSes: ses, ini: settings })
    const { lines } = await sesBounceWith(env, product, 'check', '--online')
    assert.match(lines.join('\n'), /could not be established/)
    assert.deepEqual(proxy.asked, [])
  })

  it('leads check --online to STS and SES, and check names the proxy without its login', async () => {
    const haraka = await start({ HTTPS_PROXY: proxy.url })
    const env = { ...KEYS, ...TRUSTED, HTTPS_PROXY: withLogin(), AWS_REGION: REGION }
    const { code, lines } = await sesBounceWith(env, haraka, 'check', '--online')
    assert.equal(code, 0, lines.join('\n'))
    assert.ok(lines.includes('online: eu-west-1: SendBounce is permitted'), lines.join('\n'))
    assert.ok(
      lines.includes(`online: calls to AWS go by the proxy ${proxy.url} (HTTPS_PROXY)`),
      lines.join('\n'),
    )
    assert.ok(!lines.join('\n').includes('p:w'))
    assert.deepEqual(new Set(proxy.asked), new Set([`sts.${REGION}.amazonaws.com:443`, SES_HOST]))
  })

  it('that refuses is named with its answer by check --online', async () => {
    const haraka = await start({})
    proxy.mode = 407
    const env = { ...KEYS, ...TRUSTED, HTTPS_PROXY: proxy.url, AWS_REGION: REGION }
    const { lines } = await sesBounceWith(env, haraka, 'check', '--online')
    assert.match(lines.join('\n'), /SendBounce is permitted could not be established: the proxy answered 407/)
  })

  it('whose variable holds no URL is an error of check --online, and its value is not shown', async () => {
    const haraka = await start({})
    const env = { ...KEYS, HTTPS_PROXY: 'socks5://user:hunter2@127.0.0.1:1', AWS_REGION: REGION }
    const { code, lines } = await sesBounceWith(env, haraka, 'check', '--online')
    assert.equal(code, 1)
    assert.match(lines.join('\n'), /^online: error: HTTPS_PROXY must be the URL of an http or https proxy/m)
    assert.ok(!lines.join('\n').includes('hunter2'))
  })
  it('leads the relay to SQS and S3', async () => {
    const { startFauxqs } = await import('fauxqs')
    const aws = await startFauxqs({ port: 0, logger: false })
    const ofAws = await startConnectProxy(() => aws.port)
    const env = {
      ...KEYS,
      ...TRUSTED,
      HTTPS_PROXY: ofAws.url,
      AWS_REGION: 'us-east-1',
      // fauxqs knows its queues by their own URLs
      AWS_ENDPOINT_URL_SQS: 'https://sqs.us-east-1.amazonaws.com',
    }
    let relay: ChildProcessByStdio<null, Readable, Readable> | undefined
    try {
      const attributes = { MessageRetentionPeriod: '1209600' }
      const [QueueUrl, deadUrl] = ['mail', 'dead'].map(name => aws.createQueue(name, { attributes }).queueUrl)
      aws.createBucket('mail-of-yours')
      product = await startProduct({
        localSes: ses,
        haraka: { plugins: ['ses-bounce', 'accept_all', 'capture'] },
      })
      appendFileSync(
        path.join(product.haraka.dir, 'config/ses-bounce.ini'),
        `[relay.sqs]
queue_url = ${QueueUrl}
dead_letter_url = ${deadUrl}
buckets = mail-of-yours
domains = yours.example
smtp = 127.0.0.1:${product.haraka.port}
`,
      )
      const mail = sesMail({ recipient: 'user@yours.example' })
      const config = { endpoint: aws.address, region: 'us-east-1', credentials: EMULATOR_CREDENTIALS }
      const s3 = new S3Client({ ...config, forcePathStyle: true })
      await s3.send(new PutObjectCommand({ Bucket: 'mail-of-yours', Key: 'in/one', Body: mail.data }))
      s3.destroy()
      const action = { type: 'S3', bucketName: 'mail-of-yours', objectKey: 'in/one' }
      const body = {
        notificationType: 'Received',
        mail: { messageId: mail.sesId, timestamp: new Date().toISOString() },
        receipt: { recipients: ['user@yours.example'], action },
      }
      const client = new SQSClient(config)
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }))
      client.destroy()
      relay = spawn(process.execPath, [builtFile('src/cli/main.js'), '--dir', product.haraka.dir, 'relay'], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const ended = once(relay, 'exit')
      const log = new LogLines()
      log.follow(relay.stdout)
      log.follow(relay.stderr)
      const { pid = 0 } = relay
      atEnd(() => killIfAlive(pid, 'SIGKILL'))
      await log.wait(/accepted=1/)
      relay.kill('SIGTERM')
      await ended
      const hosts = new Set(ofAws.asked)
      assert.ok(hosts.has('sqs.us-east-1.amazonaws.com:443'), [...hosts].join())
      assert.ok(
        [...hosts].some(host => host.includes('s3.us-east-1.amazonaws.com')),
        [...hosts].join(),
      )
    } finally {
      killIfAlive(relay?.pid ?? 0, 'SIGKILL')
      await ofAws.close()
      await aws.stop()
    }
  })
})

/** The region is paused, as SES refuses all of it. */
function isBlocked(line: string): boolean {
  return line.startsWith("SES doesn't accept")
}
