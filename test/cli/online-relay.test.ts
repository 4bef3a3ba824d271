// `check --online` and the queues of [relay.sqs], at an SQS that others wrote (fauxqs).

import assert from 'node:assert/strict'
import { Directories, environment, runOnline } from './online-support'

const DAY_S = 86_400

async function startAws() {
  const { startFauxqs } = await import('fauxqs')
  return startFauxqs({ port: 0, logger: false })
}

describe('check --online, of the queues of [relay.sqs]', () => {
  const directories = new Directories()
  let aws: Awaited<ReturnType<typeof startAws>>
  before(async () => {
    aws = await startAws()
  })
  after(async () => {
    directories.remove()
    await aws.stop()
  })

  interface Made {
    name: string
    days: number
    /** Receives after which a message is given up. */
    receives?: number
  }

  function make({ name, days, receives }: Made): string {
    const attributes = {
      MessageRetentionPeriod: String(days * DAY_S),
      ...(receives !== undefined && {
        RedrivePolicy: JSON.stringify({
          deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:target',
          maxReceiveCount: receives,
        }),
      }),
    }
    return aws.createQueue(name, { attributes }).queueUrl
  }

  async function said(queueUrl: string, deadUrl: string) {
    const dir = directories.make({
      ses: `endpoint = local
[relay.sqs]
queue_url = ${queueUrl}
dead_letter_url = ${deadUrl}
buckets = mail-of-yours
domains = example.com`,
    })
    const env = environment({ AWS_ENDPOINT_URL_SQS: aws.address, AWS_REGION: 'us-east-1' })
    const { code, online } = await runOnline(dir, env)
    return { code, online: online.filter(line => line.includes('[relay.sqs]')) }
  }

  it('is fine with queues that keep mail long enough', async () => {
    make({ name: 'target', days: 14 })
    const queue = make({ name: 'mail', days: 4, receives: 1000 })
    const dead = make({ name: 'dead', days: 14 })
    assert.deepEqual(await said(queue, dead), {
      code: 0,
      online: ['[relay.sqs] the queues keep mail long enough'],
    })
  })

  it('is told of each that would lose mail: few receives, and short retention of either queue', async () => {
    const queue = make({ name: 'hasty', days: 1, receives: 5 })
    const dead = make({ name: 'short', days: 4 })
    const { code, online } = await said(queue, dead)
    assert.equal(code, 1)
    assert.deepEqual(
      online.map(line => line.replace(/;.*/, '')),
      [
        'error: [relay.sqs] queue_url: its redrive policy gives a message up after 5 receives',
        'error: [relay.sqs] queue_url: it keeps messages for 1.0 days',
        'error: [relay.sqs] dead_letter_url: it keeps messages for 4.0 days',
      ],
    )
  })

  it('is told of a queue that is not there, and leaves open what SQS does not answer', async () => {
    const dead = make({ name: 'dead-too', days: 14 })
    const gone = await said(dead.replace('dead-too', 'never-made'), dead)
    assert.equal(gone.code, 1)
    assert.match(gone.online.join(), /^error: \[relay\.sqs\] SQS knows no such queue \(/)
    const away = directories.make({
      ses: `endpoint = local\n[relay.sqs]\nqueue_url = http://127.0.0.1:1/1/mail\ndead_letter_url = http://127.0.0.1:1/1/dead\nbuckets = mail-of-yours\ndomains = example.com`,
    })
    const { code, online } = await runOnline(away, environment({ AWS_REGION: 'us-east-1' }))
    assert.equal(code, 0)
    assert.match(
      online[0] ?? '',
      /^\[relay\.sqs\] whether the queues keep mail long enough could not be established: /,
    )
  })
})
