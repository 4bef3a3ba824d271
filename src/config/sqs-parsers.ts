// Parsers of [relay.sqs]: queues, buckets, and the Haraka that gets the mail. No fault shows a password.

import { domainToASCII } from 'node:url'
import { domainPatterns } from './list-parsers'
import { orEmpty, unknownValue, type ValueParser, whole } from './value-parsers'

/** AWS, "SQS queue and message identifiers"; any other host is one of tests, or of a VPC endpoint. */
export const queueUrl: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('https://sqs.eu-west-1.amazonaws.com/123456789012/NAME', (text, key) => {
    const isUrl = /^https?:\/\/[^\s?#@]+\/[^\s?#]+$/.test(text) && URL.canParse(text)
    return isUrl ? { value: text } : unknownValue(text, key, queueUrl.form)
  }),
)

/** Amazon S3 User Guide: "General purpose bucket naming rules". */
const BUCKET = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/

export const bucketNames: ValueParser<string[]> = orEmpty(
  [],
  whole('names of buckets, separated by commas', (text, key) => {
    const names = text.split(',').map(name => name.trim())
    return names.every(name => BUCKET.test(name))
      ? { value: names }
      : unknownValue(text, key, bucketNames.form)
  }),
)

/** Empty: none. */
export const relayDomains: ValueParser<string[]> = orEmpty([], domainPatterns)

export interface SmtpServer {
  host: string
  port: number
}

export const smtpServer: ValueParser<SmtpServer> = whole('HOST:PORT, as 127.0.0.1:25', (text, key) => {
  const [, name = '', port = ''] = /^(\[[\da-f:.]+\]|[^\s:[\]/@]+):(\d{1,5})$/i.exec(text) ?? []
  const host = name.startsWith('[') ? name.slice(1, -1) : domainToASCII(name)
  const isPort = Number(port) >= 1 && Number(port) <= 65_535
  return host !== '' && isPort
    ? { value: { host, port: Number(port) } }
    : unknownValue(text, key, smtpServer.form)
})

export const secretText: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('env:NAME', (text, key) =>
    /\p{Cc}/u.test(text) ? { fault: `${key} can't be used, and isn't shown` } : { value: text },
  ),
)

export const plainText: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('a text', (text, key) =>
    /\p{Cc}/u.test(text) ? unknownValue(text, key, plainText.form) : { value: text },
  ),
)
