// Parsers of values for calls to SES: sender, ARN, reporting MTA, endpoint; and of the queue's file.
// Nothing throws; values that SES would refuse are refused here, where file and line are known.

import path from 'node:path'
import { didYouMean } from './diagnostics'
import { orEmpty, quoted, unknownValue, type ValueParser, whole } from './value-parsers'

/** The names in a template for a bounce sender, each with a value to try it. */
const SENDER_NAMES = new Map([
  ['recipient', 'user@example.com'],
  ['recipient.domain', 'example.com'],
  ['sender.domain', 'example.org'],
])
/** RFC 5321 section 4.5.3.1.3: a path has at most 256 octets, its brackets included. */
const ADDRESS_CHARACTERS = 254
/** SES API: SendBounce, BounceSender: one address in ASCII, its domain in Punycode. */
const SENDER = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){0,9}$/i

export const senderTemplate: ValueParser<string> = whole(
  'an address; may hold {recipient.domain} or {sender.domain}, or be {recipient}',
  (text, key) => {
    const unknown = [...text.matchAll(/\{([^{}]*)\}/g)]
      .map(match => match[1] ?? '')
      .find(name => !SENDER_NAMES.has(name))
    if (unknown !== undefined) {
      const hint = didYouMean(unknown, SENDER_NAMES.keys()) || `; ${senderTemplate.form}`
      return { fault: `${key}: unknown name ${quoted(`{${unknown}}`)}${hint}` }
    }
    const tried = text.replace(/\{([^{}]*)\}/g, (_, name: string) => SENDER_NAMES.get(name) ?? '')
    if (!tried.includes('@'))
      return { fault: `${quoted(text)} for ${key} has no "@"; ${senderTemplate.form}` }
    return SENDER.test(tried) && !/[{}]/.test(tried) && tried.length <= ADDRESS_CHARACTERS
      ? { value: text }
      : unknownValue(text, key, senderTemplate.form)
  },
)

/** SES API: SendBounce, BounceSenderArn: the ARN of an identity. */
const IDENTITY_ARN = /^arn:aws[a-z-]{0,20}:ses:[a-z\d-]{1,40}:\d{12}:identity\/[!-~]+$/

export const identityArn: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole(
    'the ARN of a verified identity: arn:aws:ses:eu-west-1:123456789012:identity/example.com',
    (text, key) => (IDENTITY_ARN.test(text) ? { value: text } : unknownValue(text, key, identityArn.form)),
  ),
)

/** IAM API: a role's ARN, with its path; role names have at most 64 characters, paths 512. */
const ROLE_ARN = /^arn:aws[a-z-]{0,20}:iam::\d{12}:role\/(?:[!-.0-~]{1,510}\/)?[\w+=,.@-]{1,64}$/

export const roleArn: ValueParser<string> = whole(
  'the ARN of a role: arn:aws:iam::123456789012:role/ses-bounce',
  (text, key) => (ROLE_ARN.test(text) ? { value: text } : unknownValue(text, key, roleArn.form)),
)

/** STS API: AssumeRole, ExternalId. */
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/

/** Not shown in a fault: AWS calls it no secret, but many keep it as one. */
export const externalId: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('2 to 1224 letters, digits and _+=,.@:/-, or env:NAME', (text, key) =>
    EXTERNAL_ID.test(text)
      ? { value: text }
      : { fault: `${key} can't be used, and isn't shown; ${externalId.form}` },
  ),
)

/** SES API: MessageDsn, ReportingMta; RFC 3464 section 2.2.2. Quotes around it may be written or not. */
export const reportingMta: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('"dns; name": dns; mx.example.com', (text, key) => {
    const name = /^"?\s*dns\s*;\s*([a-z\d_.-]{1,253})\s*"?$/i.exec(text)?.[1]
    return name === undefined ? unknownValue(text, key, reportingMta.form) : { value: `dns; ${name}` }
  }),
)

export const endpoint: ValueParser<string> = orEmpty(
  '',
  whole('an http or https URL, which may hold {region}, or "local"; empty: AWS', (text, key) => {
    // not shown, as a password would then be in Haraka's log
    if (/^[^/]*\/\/[^/]*@/.test(text))
      return { fault: `${key} must not hold a user or a password; ${endpoint.form}` }
    return text === 'local' || endpointUrl(text) ? { value: text } : unknownValue(text, key, endpoint.form)
  }),
)

/** True if calls don't leave this machine: `local`, or plain http to a loopback address or name (RFC 6761 section 6.3). */
export function isLoopbackEndpoint(text: string): boolean {
  if (text === 'local') return true
  const url = endpointUrl(text)
  return (
    url?.protocol === 'http:' && /^(?:127\.[\d.]+|\[::1\]|(?:[a-z\d.-]*\.)?localhost)$/.test(url.hostname)
  )
}

function endpointUrl(text: string): URL | undefined {
  const tried = text.replaceAll('{region}', 'us-east-1')
  if (!/^https?:\/\/[!-~]+$/i.test(tried) || /[{}]/.test(tried) || !URL.canParse(tried)) return undefined
  const url = new URL(tried)
  return url.username || url.password || url.search || url.hash ? undefined : url
}

/** A file's path, absolute or in the Haraka directory. */
export const queueFile: ValueParser<string> = whole(
  'the path of a file: ses-bounce/queue.sqlite',
  (text, key) => {
    const [first] = path.posix.normalize(text).split('/')
    if (first === 'queue')
      return { fault: `${key} may not be in queue/: Haraka treats every file there as a mail` }
    const isFile = !text.endsWith('/') && !/[\p{Cc}]/u.test(text)
    return isFile ? { value: text } : unknownValue(text, key, queueFile.form)
  },
)
