// The way of one message: read, fetch the mail, check it, hand it to Haraka, send the rest to queues, delete the
// message.
// It is deleted last: a kill at any point gives a second copy of a mail, and never loses one. It isn't deleted when its
// time in hand is over, as another relay may have it by then.

import { domainToASCII } from 'node:url'
import type { SqsRelay } from '../config/settings'
import { errorMessage } from '../errors'
import { domainOf } from '../mail/address'
import { holderOf } from '../policy/accounts'
import { type Announcement, readMessage } from './announcement'
import type { HandOver } from './hand-over'
import { outcomeOf, pauseSeconds, type RecipientReply } from './outcome'
import type { Queues, Received } from './queues'
import { VISIBILITY_S } from './queues'
import { readSesEnvelope, type SesEnvelope } from './ses-mail'
import type { StoredMail } from './stored-mail'

export type RelayLog = (level: 'info' | 'notice' | 'warn' | 'error', message: string) => void

export interface RelayParts {
  settings: SqsRelay
  queues: Queues
  stored: StoredMail
  handOver: HandOver
  log: RelayLog
  nowMs: () => number
}

/** For the metrics. `dead`: it, or some of its recipients, went to the dead-letter queue. */
export type Handled = 'handed over' | 'waits' | 'dead' | 'test' | 'lost'

/** SES's window for a bounce, and SQS's pauses: an object that isn't there by then won't come. */
const MISSING_UNTIL_MS = 86_400_000

/** Never rejects. */
export async function handleMessage(message: Received, parts: RelayParts): Promise<Handled> {
  const renewal = keepVisible(message, parts)
  try {
    return await handle(message, parts)
  } catch (error) {
    // nothing was deleted: the message comes again
    parts.log('warn', `message=${message.messageId}: ${errorMessage(error)}; it is tried again`)
    await pause(message, parts)
    return 'waits'
  } finally {
    renewal.stop()
  }
}

async function handle(message: Received, parts: RelayParts): Promise<Handled> {
  const read = readMessage(message.body, parts.nowMs())
  if (read.kind === 'test') return (await remove(message, parts)) ? 'test' : 'lost'
  if (read.kind === 'unusable') return bury(message, parts, { why: read.why })
  return handleMail(read, message, parts)
}

async function handleMail(mail: Announcement, message: Received, parts: RelayParts): Promise<Handled> {
  const { settings, stored, nowMs } = parts
  if (mail.recipients === undefined && settings.s3Events === 'refuse')
    return bury(message, parts, {
      why: 'an event of S3 names no recipients; let SES announce mail by SNS, or set s3_events = for',
    })
  const place = 'bucket' in mail.content ? mail.content : undefined
  if (place && !settings.buckets.includes(place.bucket))
    return bury(message, parts, { why: 'its bucket is not among [relay.sqs] buckets', ...keyOf(mail) })
  const [ours, others] = split(mail.recipients ?? [], isOursIn(settings))
  if (mail.recipients !== undefined && ours.length === 0)
    return bury(message, parts, { why: NOT_OURS, ...keyOf(mail), recipients: others })
  const fetched =
    'text' in mail.content
      ? decodedMail(mail.content)
      : await stored.fetch(mail.content.bucket, mail.content.key)
  if (fetched.kind === 'missing') {
    if (nowMs() - mail.receivedAtMs > MISSING_UNTIL_MS)
      return bury(message, parts, { why: 'its object is not in the bucket', ...keyOf(mail) })
    throw new Error('its object is not in the bucket yet')
  }
  if (fetched.kind === 'unusable') return bury(message, parts, { why: fetched.why, ...keyOf(mail) })
  const envelope = await readSesEnvelope(fetched.raw)
  if ('fault' in envelope) return bury(message, parts, { why: envelope.fault, ...keyOf(mail) })
  const found = recipientsFor(mail, envelope.value, settings)
  if (typeof found === 'string') return bury(message, parts, { why: found, ...keyOf(mail) })
  const replies = await parts.handOver.send({
    sender: envelope.value.sender,
    recipients: found.ours.map(withAsciiDomain),
    raw: fetched.raw,
  })
  const named = replies.map((reply, index) => ({ ...reply, recipient: found.ours[index] ?? reply.recipient }))
  return finish(mail, message, parts, { replies: named, others: found.others })
}

const NOT_OURS = 'its recipients are not in [relay.sqs] domains'

/** A text: the mail isn't the announced one. */
function recipientsFor(
  { sesId, recipients }: Announcement,
  envelope: SesEnvelope,
  settings: SqsRelay,
): { ours: string[]; others: string[] } | string {
  if (recipients !== undefined && envelope.sesId !== sesId)
    return `the mail has the id ${envelope.sesId} of SES, and the announcement another`
  const all = recipients ?? (envelope.forRecipient === undefined ? [] : [envelope.forRecipient])
  const [ours, others] = split(all, isOursIn(settings))
  return ours.length === 0 ? NOT_OURS : { ours, others }
}

/** Sends refused and deferred recipients to a queue before it deletes the message. */
async function finish(
  mail: Announcement,
  message: Received,
  parts: RelayParts,
  { replies, others }: { replies: readonly RecipientReply[]; others: readonly string[] },
): Promise<Handled> {
  const { queues, log, nowMs } = parts
  const { accepted, deferred, refused } = outcomeOf(replies)
  const said = `message=${message.messageId} ses_id=${mail.sesId} accepted=${accepted.length} deferred=${deferred.length} refused=${refused.length}`
  const [firstDeferred] = deferred
  // nothing has changed but that it must wait: the same message comes again
  if (firstDeferred && deferred.length === replies.length && others.length === 0) {
    log(
      'notice',
      `${said}: ${firstDeferred.code || 'no reply'} ${firstDeferred.text}; tried again in ${pauseSeconds(message.receives)} s`,
    )
    await pause(message, parts)
    return 'waits'
  }
  if (others.length > 0)
    await queues.sendDead(deadLetter(message, { why: NOT_OURS, ...keyOf(mail), recipients: others }))
  if (refused.length > 0) {
    const why = 'Haraka refused them'
    await queues.sendDead(deadLetter(message, { why, ...keyOf(mail), replies: refused }))
  }
  if (deferred.length > 0) {
    const body = announcementFor(
      mail,
      deferred.map(({ recipient }) => recipient),
    )
    await queues.sendAgain(body, pauseSeconds(message.receives))
  }
  const isGone = await remove(message, parts)
  const [refusal = firstDeferred] = refused
  log(
    refused.length + others.length > 0 ? 'warn' : 'info',
    `${said} age=${Math.round((nowMs() - mail.receivedAtMs) / 1000)}s${refusal ? `: ${refusal.code} ${refusal.text}` : ''}`,
  )
  if (!isGone) return 'lost'
  return refused.length + others.length > 0 ? 'dead' : 'handed over'
}

/** A message of our own: the same announcement, for these recipients. */
function announcementFor(mail: Announcement, recipients: readonly string[]): string {
  const { content } = mail
  const action =
    'bucket' in content
      ? { type: 'S3', bucketName: content.bucket, objectKey: content.key }
      : { type: 'SNS', encoding: content.encoding }
  return JSON.stringify({
    notificationType: 'Received',
    mail: { messageId: mail.sesId, timestamp: new Date(mail.receivedAtMs).toISOString() },
    receipt: { recipients, action },
    ...('text' in content && { content: content.text }),
  })
}

interface DeadLetter {
  why: string
  bucket?: string
  key?: string
  recipients?: readonly string[]
  replies?: readonly RecipientReply[]
}

async function bury(message: Received, parts: RelayParts, letter: DeadLetter): Promise<Handled> {
  await parts.queues.sendDead(deadLetter(message, letter))
  parts.log('warn', `message=${message.messageId} goes to the dead-letter queue: ${letter.why}`)
  return (await remove(message, parts)) ? 'dead' : 'lost'
}

/** SQS API: a message has at most 1 MiB, in which an unusual character takes six bytes. */
const LONGEST_TEXT = 900_000
const SHORTENED = 140_000

function deadLetter({ messageId, body }: Received, letter: DeadLetter): string {
  const whole = JSON.stringify({ ...letter, message_id: messageId, message: body })
  if (whole.length <= LONGEST_TEXT) return whole
  const { why } = letter
  return JSON.stringify({
    why,
    message_id: messageId,
    message: Buffer.from(body.slice(0, SHORTENED)).toString(),
  })
}

/** False: its time in hand is over, and it comes again. */
async function remove(message: Received, { queues, log }: RelayParts): Promise<boolean> {
  if (performance.now() >= message.ownUntilMonoMs) {
    log(
      'warn',
      `message=${message.messageId}: its visibility timeout has passed, so it stays in the queue, and may be handed over twice`,
    )
    return false
  }
  await queues.delete(message)
  return true
}

/** An expired handle is left alone. A failure means that it comes again sooner or later. */
async function pause(message: Received, { queues, log }: RelayParts): Promise<void> {
  if (performance.now() >= message.ownUntilMonoMs) return
  try {
    await queues.extend(message, pauseSeconds(message.receives))
  } catch (error) {
    log('warn', `message=${message.messageId}: ${errorMessage(error)}`)
  }
}

/** Renews the time in hand while SMTP goes on. */
function keepVisible(message: Received, { queues, log }: RelayParts): { stop(): void } {
  const timer = setInterval(
    () => {
      queues.extend(message, VISIBILITY_S).catch((error: unknown) => {
        log('warn', `message=${message.messageId}: its visibility can't be renewed: ${errorMessage(error)}`)
      })
    },
    (VISIBILITY_S / 2) * 1000,
  )
  return { stop: () => clearInterval(timer) }
}

function decodedMail({ text, encoding }: { text: string; encoding: 'utf8' | 'base64' }): {
  kind: 'mail'
  raw: Buffer
} {
  return { kind: 'mail', raw: Buffer.from(text, encoding) }
}

function keyOf({ content }: Announcement): Pick<DeadLetter, 'bucket' | 'key'> {
  return 'bucket' in content ? { bucket: content.bucket, key: content.key } : {}
}

function isOursIn({ domains }: SqsRelay): (address: string) => boolean {
  const holds = holderOf(domains)
  return address => {
    const domain = domainOf(address)
    return domain !== undefined && holds(domain)
  }
}

function split(all: readonly string[], isOurs: (one: string) => boolean): [ours: string[], others: string[]] {
  return [all.filter(isOurs), all.filter(one => !isOurs(one))]
}

/** The address as nodemailer writes it into RCPT TO, so that its replies can be told apart. */
function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1)) || address.slice(at + 1)}`
}
