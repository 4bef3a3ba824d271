// The queues of SQS: SES's announcements, and the dead-letter queue. The SDK is loaded here only.

import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs'
import { PROXY_MS, proxyHandler } from '../aws-proxy'
import type { SqsRelay } from '../config/settings'

/** A message in hand: nobody else gets it until its visibility timeout ends. */
export interface Received {
  body: string
  handle: string
  messageId: string
  /** The number of times that it was received, this one included. */
  receives: number
  /** On the monotonic clock: until when it is certainly ours. */
  ownUntilMonoMs: number
}

export interface QueueAttributes {
  /** `maxReceiveCount` of the redrive policy. Undefined: there is none. */
  mostReceives?: number
  retentionSeconds: number
}

export interface Queues {
  /** Waits up to 20 s. Undefined: nothing came. */
  receive(stop: AbortSignal): Promise<Received | undefined>
  /** Keeps it for so long from now on, or with 0 gives it back at once. */
  extend(message: Received, seconds: number): Promise<void>
  delete(message: Received): Promise<void>
  /** To the queue of announcements. */
  sendAgain(body: string, delaySeconds: number): Promise<void>
  sendDead(body: string): Promise<void>
  attributes(which: 'queue' | 'dead letters'): Promise<QueueAttributes>
  close(): void
}

/** SQS API: the most of a long poll. */
const WAIT_S = 20
/** Renewed at half of it. */
export const VISIBILITY_S = 120
/** SQS API: the most of DelaySeconds. */
const LONGEST_DELAY_S = 900
const MS = 1000

export async function openQueues(
  { queueUrl, deadLetterUrl }: Pick<SqsRelay, 'queueUrl' | 'deadLetterUrl'>,
  config: SQSClientConfig = {},
): Promise<Queues> {
  const sqs = await loadSdk()
  // the SDK would go by the URL's host all the same
  const hasEndpoint = ['AWS_ENDPOINT_URL_SQS', 'AWS_ENDPOINT_URL'].some(name => process.env[name])
  const clients = new Map<string, SQSClient>()
  const clientFor = (url: string) => {
    const region = regionIn(url)
    const found =
      clients.get(region ?? '') ??
      new sqs.SQSClient({
        ...(region && { region }),
        ...proxyHandler(PROXY_MS),
        useQueueUrlAsEndpoint: !hasEndpoint,
        ...config,
      })
    clients.set(region ?? '', found)
    return found
  }
  const own = clientFor(queueUrl)
  return {
    async receive(stop) {
      const askedMs = performance.now()
      const { Messages = [] } = await own.send(
        new sqs.ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 1,
          WaitTimeSeconds: WAIT_S,
          VisibilityTimeout: VISIBILITY_S,
          MessageSystemAttributeNames: ['ApproximateReceiveCount'],
        }),
        { abortSignal: stop },
      )
      const [message] = Messages
      if (message?.ReceiptHandle === undefined) return undefined
      return {
        body: message.Body ?? '',
        handle: message.ReceiptHandle,
        messageId: message.MessageId ?? '',
        receives: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
        ownUntilMonoMs: askedMs + VISIBILITY_S * MS,
      }
    },
    async extend(message, seconds) {
      const askedMs = performance.now()
      await own.send(
        new sqs.ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: message.handle,
          VisibilityTimeout: seconds,
        }),
      )
      message.ownUntilMonoMs = askedMs + seconds * MS
    },
    async delete(message) {
      await own.send(new sqs.DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.handle }))
    },
    async sendAgain(MessageBody, delaySeconds) {
      const DelaySeconds = Math.min(LONGEST_DELAY_S, delaySeconds)
      await own.send(new sqs.SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds }))
    },
    async sendDead(MessageBody) {
      await clientFor(deadLetterUrl).send(
        new sqs.SendMessageCommand({ QueueUrl: deadLetterUrl, MessageBody }),
      )
    },
    async attributes(which) {
      const url = which === 'queue' ? queueUrl : deadLetterUrl
      const { Attributes = {} } = await clientFor(url).send(
        new sqs.GetQueueAttributesCommand({
          QueueUrl: url,
          AttributeNames: ['RedrivePolicy', 'MessageRetentionPeriod'],
        }),
      )
      const mostReceives = receivesIn(Attributes['RedrivePolicy'])
      return {
        retentionSeconds: Number(Attributes['MessageRetentionPeriod'] ?? 0),
        ...(mostReceives !== undefined && { mostReceives }),
      }
    },
    close() {
      for (const client of clients.values()) client.destroy()
    },
  }
}

/** AWS writes it as a number, or as a text. */
function receivesIn(policy: string | undefined): number | undefined {
  if (policy === undefined) return undefined
  const { maxReceiveCount } = JSON.parse(policy) as { maxReceiveCount?: number | string }
  return maxReceiveCount === undefined ? undefined : Number(maxReceiveCount)
}

/** Undefined: the SDK's own setting counts. */
function regionIn(url: string): string | undefined {
  return /^https:\/\/sqs(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com/.exec(url)?.[1]
}

async function loadSdk(): Promise<typeof import('@aws-sdk/client-sqs')> {
  try {
    return await import('@aws-sdk/client-sqs')
  } catch (error) {
    throw new Error(
      'ses-bounce relay needs more packages: npm install @aws-sdk/client-sqs @aws-sdk/client-s3',
      {
        cause: error,
      },
    )
  }
}
