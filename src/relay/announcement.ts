// Reads a message of the queue: SES's announcement of a mail, wrapped by SNS or raw, or one that this relay wrote for
// recipients who were deferred. The writer of the queue isn't trusted: whatever it holds, it is one of these results.

/** A mail to fetch and to hand over. */
export interface Announcement {
  kind: 'mail'
  /** SES's id of the mail. */
  sesId: string
  /** The time when SES received it. */
  receivedAtMs: number
  /** RCPT TO at SES: receipt.recipients. Undefined: an event of S3, which names none. */
  recipients: readonly string[] | undefined
  content: { bucket: string; key: string } | { text: string; encoding: 'utf8' | 'base64' }
}

export type ReadMessage =
  | Announcement
  /** SES and S3 send one when they are set up. */
  | { kind: 'test' }
  /** Never of use: it goes to the dead-letter queue. */
  | { kind: 'unusable'; why: string }

/** SES accepts mail to 50 recipients at most in one action; more is nonsense. */
const MOST_RECIPIENTS = 1000
const LONGEST_ADDRESS = 320
/** S3: a key has at most 1024 bytes. */
const LONGEST_KEY = 1024
/** SES writes this object, with that id, when a receipt rule is made. */
const SES_TEST = 'AMAZON_SES_SETUP_NOTIFICATION'
const DAY_MS = 86_400_000

export function readMessage(body: string, nowMs: number): ReadMessage {
  const outer = parse(body)
  if (outer === undefined) return unusable("it isn't JSON")
  const wrapped = isRecord(outer) && outer['Type'] === 'Notification' ? text(outer['Message']) : undefined
  const inner = wrapped === undefined ? outer : parse(wrapped)
  if (!isRecord(inner)) return unusable('it is no announcement of SES')
  if (text(inner['Event']) === 's3:TestEvent') return { kind: 'test' }
  if (Array.isArray(inner['Records'])) return readS3Event(inner['Records'])
  return readReceived(inner, nowMs)
}

function readReceived(message: Record<string, unknown>, nowMs: number): ReadMessage {
  const [mail, receipt] = [message['mail'], message['receipt']]
  if (message['notificationType'] !== 'Received' || !isRecord(mail) || !isRecord(receipt))
    return unusable('it is no announcement of a received mail')
  const sesId = text(mail['messageId'])
  if (sesId === SES_TEST) return { kind: 'test' }
  if (sesId === undefined || !/^[\w.-]{1,128}$/.test(sesId)) return unusable('it names no id of SES')
  const receivedAtMs = Date.parse(text(mail['timestamp']) ?? '')
  if (Number.isNaN(receivedAtMs) || receivedAtMs > nowMs + DAY_MS)
    return unusable('it has no time of receipt')
  const recipients = addresses(receipt['recipients'])
  if (recipients === undefined) return unusable('its receipt names no recipients')
  const content = contentOf(receipt['action'], message['content'])
  if (typeof content === 'string') return unusable(content)
  return { kind: 'mail', sesId, receivedAtMs, recipients, content }
}

function contentOf(action: unknown, content: unknown): Announcement['content'] | string {
  if (!isRecord(action)) return 'its receipt names no action'
  const body = text(content)
  if (body !== undefined) {
    const encoding = text(action['encoding'])?.toLowerCase().replace('-', '')
    if (encoding === 'base64') return { text: body, encoding }
    if (encoding === 'utf8') return { text: body, encoding }
    return 'its content has an unknown encoding'
  }
  const [bucket, key] = [text(action['bucketName']), text(action['objectKey'])]
  if (bucket === undefined || key === undefined || key.length > LONGEST_KEY)
    return 'it names no object of S3, and has no content'
  return { bucket, key }
}

/** One object an event: S3 never puts more into one. */
function readS3Event(records: readonly unknown[]): ReadMessage {
  const [record, ...more] = records
  if (!isRecord(record) || more.length > 0)
    return unusable('it is an event of S3 about no object, or several')
  const s3 = record['s3']
  const [bucket, object] = isRecord(s3) ? [s3['bucket'], s3['object']] : []
  const name = isRecord(bucket) ? text(bucket['name']) : undefined
  const key = isRecord(object) ? decoded(text(object['key'])) : undefined
  const time = Date.parse(text(record['eventTime']) ?? '')
  if (name === undefined || key === undefined || key.length > LONGEST_KEY || Number.isNaN(time))
    return unusable('it is an event of S3 without bucket, key or time')
  const sesId = key.split('/').at(-1) ?? ''
  if (sesId === SES_TEST) return { kind: 'test' }
  return { kind: 'mail', sesId, receivedAtMs: time, recipients: undefined, content: { bucket: name, key } }
}

/** Amazon S3, "Event message structure": the key is URL-encoded, a blank as a plus. */
function decoded(key: string | undefined): string | undefined {
  try {
    return key === undefined ? undefined : decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function addresses(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_RECIPIENTS) return undefined
  const isAddress = (one: unknown): one is string =>
    typeof one === 'string' && one.length <= LONGEST_ADDRESS && /^[^\s\p{Cc}<>]+@[^\s\p{Cc}<>@]+$/u.test(one)
  return value.every(isAddress) ? [...new Set(value)] : undefined
}

/** Undefined: it isn't JSON, or nested too deep. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function unusable(why: string): ReadMessage {
  return { kind: 'unusable', why }
}
