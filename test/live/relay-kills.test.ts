// `ses-bounce relay` that is killed (SIGKILL) at each step of a message's way, between SQS and S3 that others wrote and a
// real Haraka: a second copy, never a loss, and each bounce once.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import path from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  ChangeMessageVisibilityCommand,
  PurgeQueueCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { errorMessage } from '../../src/errors'
import { atEnd } from './support/cleanup'
import { deliveredOf } from './support/flow'
import { type AtStep, type Gate, openHttpGate, openSmtpGate } from './support/gates'
import { LogLines } from './support/log'
import { type SesMail, sesMail } from './support/mail'
import { builtFile } from './support/package-folder'
import { killIfAlive } from './support/processes'
import type { Product } from './support/product'
import { startRefusing } from './support/refusers'
import { PATIENCE_MS, until } from './support/wait'

const BUCKET = 'mail-of-yours'
const RULES = '[unknown]\nrecipient = unknown@yours.example\naction = bounce\nbounce.type = DoesNotExist\n'
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' }

const DELIVERED = 'user@yours.example'
const BOUNCED = 'unknown@yours.example'
const REFUSED = 'picky.rcpt.text.x@yours.example'
const DEFERRED = 'picky.rcpt.soft.x@yours.example'

/** Where nothing but the message itself is written before the kill, and all of what Haraka answers is 250. */
const STEPS = [
  'before GetObject',
  'after GetObject',
  'before MAIL',
  'in DATA',
  'after 250',
  'before DeleteMessage',
  'after DeleteMessage',
]
/** The first: what Haraka refused; the second: who must wait. */
const STEPS_OF_PARTS = [
  ['before', 1],
  ['after', 1],
  ['before', 2],
  ['after', 2],
] as const

async function startAws() {
  const { startFauxqs } = await import('fauxqs')
  return startFauxqs({ port: 0, logger: false })
}

describe('a relay that is killed', () => {
  let aws: Awaited<ReturnType<typeof startAws>>
  let sqs: SQSClient
  let s3: S3Client
  let product: Product
  let gates: Gate[]
  let queueUrl: string
  let atStep: AtStep
  before(async () => {
    aws = await startAws()
    aws.createBucket(BUCKET)
    const config = { endpoint: aws.address, region: 'us-east-1', credentials: CREDENTIALS }
    sqs = new SQSClient(config)
    s3 = new S3Client(config)
    const attributes = { MessageRetentionPeriod: '1209600' }
    queueUrl = aws.createQueue('mail', { attributes }).queueUrl
    const { queueUrl: deadUrl } = aws.createQueue('dead', { attributes })
    product = await startRefusing({
      above: [{ name: 'picky' }],
      rules: RULES,
      ini: { relay: { recipients: 'kept' } },
    })
    gates = [
      await openHttpGate(aws.address, () => atStep),
      await openSmtpGate(product.haraka.port, () => atStep),
    ]
    appendFileSync(
      path.join(product.haraka.dir, 'config/ses-bounce.ini'),
      `
[relay.sqs]
queue_url = ${queueUrl}
dead_letter_url = ${deadUrl}
buckets = ${BUCKET}
domains = yours.example
smtp = 127.0.0.1:${gates[1]?.port}
concurrency = 1
`,
    )
  })
  after(async () => {
    for (const gate of gates) await gate.close()
    await product.stop()
    sqs.destroy()
    s3.destroy()
    await aws.stop()
  })
  const goOn: AtStep = () => Promise.resolve()
  beforeEach(async () => {
    atStep = goOn
    for (const name of ['mail', 'dead'])
      await sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl.replace(/mail$/, name) }))
  })

  interface Relay {
    child: ChildProcess
    log: LogLines
    kill(): Promise<void>
  }

  function start(): Relay {
    const url = `http://127.0.0.1:${gates[0]?.port}`
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL_SQS: url,
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    }
    const command = [builtFile('src/cli/main.js'), '--dir', product.haraka.dir, 'relay']
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = once(child, 'exit')
    const log = new LogLines()
    log.follow(child.stdout)
    log.follow(child.stderr)
    const { pid = 0 } = child
    const forget = atEnd(() => killIfAlive(pid, 'SIGKILL'))
    return {
      child,
      log,
      async kill() {
        killIfAlive(pid, 'SIGKILL')
        await ended
        forget()
      },
    }
  }

  async function announce(recipients: readonly string[]): Promise<SesMail> {
    const mail = sesMail({ recipient: recipients[0] ?? '', sender: 'joe@origin.example' })
    const key = `in/${mail.sesId}`
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: mail.data }))
    const body = {
      notificationType: 'Received',
      mail: { messageId: mail.sesId, timestamp: new Date().toISOString() },
      receipt: { recipients, action: { type: 'S3', bucketName: BUCKET, objectKey: key } },
    }
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(body) }))
    return mail
  }

  /** Kills a relay at the step, as the program waits for its answer there. */
  async function killAt(wanted: (step: string) => boolean): Promise<void> {
    let isReached = false
    const steps: string[] = []
    atStep = step => {
      steps.push(step)
      if (!wanted(step)) return Promise.resolve()
      isReached = true
      return new Promise(() => undefined)
    }
    const relay = start()
    try {
      await until(
        async () => {
          // a poll of the relay before it may have taken the message
          if (!isReached && !steps.some(step => step.includes('Object'))) await giveBack()
          return isReached
        },
        { what: 'the step', everyMs: 200 },
      )
    } catch (error) {
      throw new Error(`${errorMessage(error)} among ${steps.join(', ')}\n${relay.log.tail()}`, {
        cause: error,
      })
    } finally {
      await relay.kill()
      atStep = goOn
    }
  }

  const messages = (name: string) => {
    const { ready = [], delayed = [], inflight = [] } = aws.inspectQueue(name)?.messages ?? {}
    const bodies = [...ready, ...delayed, ...inflight.map(({ message }) => message)]
    return bodies.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  }

  /** Messages that a dead relay had in hand come again at once, and not after two minutes. */
  async function giveBack(): Promise<void> {
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

  const copies = (mail: SesMail) =>
    deliveredOf(product, mail)
      .flatMap(({ to }) => to)
      .filter(to => to === DELIVERED).length

  /** Until another relay has done what is to do. */
  async function finish(mail: SesMail, isDone: () => boolean): Promise<void> {
    await giveBack()
    const relay = start()
    try {
      await until(
        async () => {
          if (isDone()) return true
          // a poll of the dead relay may have taken it
          await giveBack()
          return false
        },
        { what: `the mail ${mail.sesId}`, timeoutMs: 2 * PATIENCE_MS, everyMs: 200 },
      )
    } finally {
      await relay.kill()
    }
  }

  for (const step of STEPS) {
    it(`${step} loses no mail, and has it bounced once`, async () => {
      const mail = await announce([DELIVERED, BOUNCED])
      await killAt(one => one === step)
      await finish(mail, () => messages('mail').length === 0)
      assert.ok(copies(mail) >= 1)
      assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
      assert.deepEqual(messages('dead'), [])
    })
  }

  for (const [when, number] of STEPS_OF_PARTS) {
    it(`${when} the ${number === 1 ? 'refused' : 'deferred'} recipients are written loses none of any kind`, async () => {
      const mail = await announce([DELIVERED, BOUNCED, REFUSED, DEFERRED])
      let sent = 0
      await killAt(step => {
        if (step === 'before SendMessage') sent++
        return step === `${when} SendMessage` && sent === number
      })
      const isWaiting = () =>
        messages('mail').some(
          ({ receipt }) =>
            JSON.stringify((receipt as { recipients: string[] }).recipients) === JSON.stringify([DEFERRED]),
        )
      const isWhole = () =>
        messages('mail').some(({ receipt }) => (receipt as { recipients: string[] }).recipients.length === 4)
      await finish(mail, () => isWaiting() && !isWhole())
      assert.ok(copies(mail) >= 1)
      assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
      const refused = messages('dead').flatMap(
        ({ replies }) => replies as { recipient: string; code: number }[],
      )
      assert.ok(refused.length >= 1)
      assert.deepEqual(
        new Set(refused.map(({ recipient, code }) => `${recipient} ${code}`)),
        new Set([`${REFUSED} 550`]),
      )
    })
  }
})
