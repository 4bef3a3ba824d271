// `ses-bounce relay` as a process, between SQS and S3 that others wrote (fauxqs) and a real Haraka.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { atEnd } from './support/cleanup'
import { deliveredOf, startFlow } from './support/flow'
import { LogLines } from './support/log'
import { type SesMail, sesMail } from './support/mail'
import { builtFile } from './support/package-folder'
import { freePort } from './support/ports'
import { killIfAlive } from './support/processes'
import type { Product } from './support/product'
import { until } from './support/wait'

const BUCKET = 'mail-of-yours'
const RULES = `[busy]
recipient = busy@yours.example
action = defer

[gone]
recipient = gone@yours.example
action = reject

[unknown]
recipient = unknown@yours.example
action = bounce
bounce.type = DoesNotExist
`
const DAY_S = '86400'
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' }

async function startAws() {
  const { startFauxqs } = await import('fauxqs')
  return startFauxqs({ port: 0, logger: false })
}

interface Relay {
  child: ChildProcess
  log: LogLines
  code: Promise<number | null>
}

function settingsFile({ haraka }: Product): string {
  return path.join(haraka.dir, 'config/ses-bounce.ini')
}

describe('ses-bounce relay', () => {
  let aws: Awaited<ReturnType<typeof startAws>>
  let sqs: SQSClient
  let s3: S3Client
  let product: Product
  let queueUrl: string
  let deadUrl: string
  const relays: Relay[] = []
  before(async () => {
    aws = await startAws()
    aws.createBucket(BUCKET)
    const config = { endpoint: aws.address, region: 'us-east-1', credentials: CREDENTIALS }
    sqs = new SQSClient(config)
    s3 = new S3Client(config)
    queueUrl = queue('mail', 14)
    deadUrl = queue('mail-dead', 14)
    product = await startFlow({
      rules: RULES,
      ini: {
        relay: { recipients: 'kept' },
        'relay.sqs': {
          queue_url: queueUrl,
          dead_letter_url: deadUrl,
          buckets: BUCKET,
          domains: 'yours.example',
        },
      },
    })
  })
  before(() => {
    const file = settingsFile(product)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('[relay.sqs]', `[relay.sqs]\nsmtp = 127.0.0.1:${product.haraka.port}`))
  })
  const endRelays = async () => {
    for (const relay of relays.splice(0)) {
      killIfAlive(relay.child.pid ?? 0, 'SIGKILL')
      await relay.code
    }
  }
  after(async () => {
    await endRelays()
    await product.stop()
    sqs.destroy()
    s3.destroy()
    await aws.stop()
  })

  function queue(name: string, days: number): string {
    const attributes = { MessageRetentionPeriod: String(days * Number(DAY_S)) }
    const { queueUrl: url } = aws.createQueue(name, { attributes })
    return url
  }

  function start(...args: string[]): Relay {
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL_SQS: aws.address,
      AWS_ENDPOINT_URL_S3: aws.address,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    }
    const child = spawn(
      process.execPath,
      [builtFile('src/cli/main.js'), '--dir', product.haraka.dir, 'relay', ...args],
      {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const log = new LogLines()
    log.follow(child.stdout)
    log.follow(child.stderr)
    atEnd(() => killIfAlive(child.pid ?? 0, 'SIGKILL'))
    const relay = { child, log, code: once(child, 'exit').then(([code]) => code as number | null) }
    relays.push(relay)
    return relay
  }

  const store = (mail: SesMail, key = `in/${mail.sesId}`) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: mail.data }))
  const announce = (body: unknown) =>
    sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    )
  const announcement = (
    mail: SesMail,
    recipients: readonly string[],
    action: Record<string, unknown> = {},
  ) => ({
    notificationType: 'Received',
    mail: {
      messageId: mail.sesId,
      timestamp: new Date().toISOString(),
      destination: ['other@yours.example'],
    },
    receipt: {
      recipients,
      action: { type: 'S3', bucketName: BUCKET, objectKey: `in/${mail.sesId}`, ...action },
    },
  })
  const mailTo = (recipient: string) => sesMail({ recipient, sender: 'joe@origin.example' })
  const delivered = (mail: SesMail) => deliveredOf(product, mail).flatMap(({ to }) => to)
  const dead = async (): Promise<Record<string, unknown>> => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: deadUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 1 }),
    )
    const [message] = Messages
    await sqs.send(
      new DeleteMessageCommand({ QueueUrl: deadUrl, ReceiptHandle: message?.ReceiptHandle ?? '' }),
    )
    return JSON.parse(message?.Body ?? '{}') as Record<string, unknown>
  }
  const counts = () => {
    const { messages } = aws.inspectQueue('mail') ?? { messages: { ready: [], delayed: [], inflight: [] } }
    return messages.ready.length + messages.delayed.length + messages.inflight.length
  }
  /** Each test begins with an empty queue. */
  const purge = () => sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl }))
  const empty = () => until(() => counts() === 0, { what: 'an empty queue' })

  let shared: Relay
  before(() => {
    shared = start()
  })

  it("hands a mail over with SES's envelope, and deletes the message", async () => {
    const mail = mailTo('user@yours.example')
    await store(mail)
    await announce(announcement(mail, ['user@yours.example', 'bcc@yours.example']))
    await until(() => delivered(mail).length === 2, { what: 'the mail' })
    assert.deepEqual(delivered(mail), ['user@yours.example', 'bcc@yours.example'])
    await empty()
  })

  it('takes announcements that SNS wrapped, and content inside them, and leaves out tests', async () => {
    const [first, second] = [mailTo('user@yours.example'), mailTo('user@yours.example')]
    await store(first)
    await announce({
      Type: 'Notification',
      Message: JSON.stringify(announcement(first, ['user@yours.example'])),
    })
    const inside = announcement(second, ['user@yours.example'], { type: 'SNS', encoding: 'BASE64' })
    await announce({ ...inside, content: second.data.toString('base64') })
    await announce({ Service: 'Amazon S3', Event: 's3:TestEvent' })
    for (const mail of [first, second]) await until(() => delivered(mail).length === 1, { what: 'the mail' })
    await empty()
  })

  it('counts the replies for each recipient: deferred ones wait, refused ones are dead letters', async () => {
    const mail = mailTo('busy@yours.example')
    await store(mail)
    // the plugin defers the whole mail, as one of its recipients is
    await announce(announcement(mail, ['busy@yours.example']))
    await shared.log.wait(/deferred=1 .*450/)
    assert.equal(counts(), 1)
    await purge()
    const other = mailTo('gone@yours.example')
    await store(other)
    await announce(announcement(other, ['gone@yours.example']))
    const letter = await dead()
    assert.equal(letter['key'], `in/${other.sesId}`)
    assert.equal(letter['why'], 'Haraka refused them')
    const [reply] = letter['replies'] as { recipient: string; code: number }[]
    assert.deepEqual([reply?.recipient, reply?.code], ['gone@yours.example', 550])
  })

  it('hands nothing over that is not of SES, of these buckets and these domains', async () => {
    const forged = sesMail({
      recipient: 'user@yours.example',
      extraTop: ['Received: from evil by evil.example; now'],
    })
    await store(forged)
    await announce(announcement(forged, ['user@yours.example']))
    assert.match(String((await dead())['why']), /no Received of SES on top/)
    const mail = mailTo('user@yours.example')
    await store(mail)
    for (const [body, why] of [
      [announcement(mail, ['user@yours.example'], { bucketName: 'of-somebody-else' }), /bucket/],
      [announcement(mail, ['user@elsewhere.example']), /domains/],
      [
        {
          ...announcement(mail, ['user@yours.example']),
          mail: { messageId: 'another', timestamp: new Date().toISOString() },
        },
        /another/,
      ],
      [announcement(mail, ['user@yours.example>\r\nRCPT TO:<x@yours.example']), /recipients/],
      ['not json', /JSON/],
      ['['.repeat(100_000), /JSON|announcement/],
      [
        {
          Records: [
            {
              eventTime: new Date().toISOString(),
              s3: { bucket: { name: BUCKET }, object: { key: 'in/x' } },
            },
          ],
        },
        /names no recipients/,
      ],
    ] as const) {
      await announce(body)
      assert.match(String((await dead())['why']), why)
    }
    assert.deepEqual(delivered(mail), [])
    await empty()
  })

  it('hands over no object that the S3 encryption client wrote, and names the reason', async () => {
    for (const name of ['x-amz-key-v2', 'x-amz-key', 'x-amz-matdesc']) {
      const mail = mailTo('user@yours.example')
      const key = `in/${mail.sesId}`
      const Metadata = { [name]: '{}', 'x-amz-iv': 'AAAA' }
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: mail.data, Metadata }))
      await announce(announcement(mail, ['user@yours.example']))
      const letter = await dead()
      assert.equal(letter['why'], `the object is encrypted by the S3 client (${name}); use SSE in its place`)
      assert.deepEqual([letter['bucket'], letter['key']], [BUCKET, key])
      assert.deepEqual(delivered(mail), [])
    }
  })

  it('loses no mail when it is killed again and again, and the plugin bounces each once', async () => {
    await endRelays()
    const mails = Array.from({ length: 6 }, () => mailTo('unknown@yours.example'))
    for (const mail of mails) {
      await store(mail)
      await announce(announcement(mail, ['unknown@yours.example']))
    }
    for (let kill = 0; kill < 2; kill++) {
      const relay = start()
      await relay.log.wait(/accepted=1/)
      killIfAlive(relay.child.pid ?? 0, 'SIGKILL')
      await relay.code
      await giveBack()
    }
    start()
    for (const mail of mails)
      await until(
        async () => {
          const isSent = product.jobs({ sesId: mail.sesId, state: 'sent' }).length === 1
          if (!isSent) await giveBack()
          return isSent
        },
        { what: 'its bounce' },
      )
    assert.equal(
      product.jobs().filter(({ sesId }) => mails.some(mail => mail.sesId === sesId)).length,
      mails.length,
    )
  })

  /**
   * Messages that a dead relay has in hand, or that its last poll receives, are there again at once, not after two
   * minutes.
   */
  const giveBack = async () => {
    for (const { receiptHandle } of aws.inspectQueue('mail')?.messages.inflight ?? [])
      await sqs
        .send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: 0,
          }),
        )
        // a relay has deleted it meanwhile
        .catch((error: Error) => assert.equal(error.name, 'MessageNotInflight'))
  }

  it('serves its health and its metrics, and ends with 0 after SIGTERM', async () => {
    const port = await freePort()
    await endRelays()
    const relay = start('--json', '--http', `127.0.0.1:${port}`)
    await relay.log.wait(/takes mail from the queue/)
    const mail = mailTo('user@yours.example')
    await store(mail)
    await announce(announcement(mail, ['user@yours.example']))
    await until(
      async () => {
        const isDone = relay.log.lines.some(line => line.includes('accepted=1'))
        if (!isDone) await giveBack()
        return isDone
      },
      { what: 'the mail' },
    )
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: response.status, text: await response.text() }
    }
    const health = await ask('/health')
    assert.equal(health.status, 200)
    assert.equal((JSON.parse(health.text) as { ok: boolean }).ok, true)
    assert.match(
      (await ask('/metrics')).text,
      /^ses_bounce_relay_messages_total\{result="handed over"\} [1-9]/m,
    )
    assert.equal((await ask('/other')).status, 404)
    relay.child.kill('SIGTERM')
    assert.equal(await relay.code, 0)
    for (const line of relay.log.lines.filter(text => text.startsWith('{')))
      assert.deepEqual(Object.keys(JSON.parse(line) as object), ['at', 'level', 'message'])
  })

  it('refuses queues that would lose mail, by name', async () => {
    const short = queue('short', 1)
    const settings = settingsFile(product)
    const text = readFileSync(settings, 'utf8')
    writeFileSync(settings, text.replace(deadUrl, short))
    try {
      const relay = start()
      assert.equal(await relay.code, 1)
      assert.match(
        relay.log.tail(),
        /\[relay\.sqs\] dead_letter_url: it keeps messages for 1\.0 days; set MessageRetentionPeriod to 14 days/,
      )
    } finally {
      writeFileSync(settings, text)
    }
  })
})
