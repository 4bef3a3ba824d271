// A client as the product's: the real SDK over HTTP, one attempt.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { SESClient, SendBounceCommand, type SendBounceCommandInput } from '@aws-sdk/client-ses'
import { EMULATOR_CREDENTIALS, type SesEmulator } from '../../src/ses-emulator/server'

export const INPUT: SendBounceCommandInput = {
  OriginalMessageId: 'd30v1skkk31tvlqtoj21k5l3ur5pmmqp1ndfr0o1',
  BounceSender: 'mailer-daemon@yours.example',
  BouncedRecipientInfoList: [{ Recipient: 'r@yours.example', BounceType: 'DoesNotExist' }],
}

export interface Client {
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  systemClockOffset?: number
}

export async function send(ses: SesEmulator, input = INPUT, { region, credentials, ...rest }: Client = {}) {
  const client = new SESClient({
    endpoint: ses.url,
    region: region ?? 'eu-west-1',
    // a copy, as the SDK adds to them
    credentials: { ...(credentials ?? EMULATOR_CREDENTIALS) },
    maxAttempts: 1,
    ...rest,
  })
  try {
    return await client.send(new SendBounceCommand(input), { abortSignal: AbortSignal.timeout(5000) })
  } finally {
    client.destroy()
  }
}

/** The call is refused with this status and code, for the client as in the record. Gives the text. */
export async function refused(
  sent: Promise<unknown>,
  ses: SesEmulator,
  status: number,
  code: string,
): Promise<string> {
  let text = ''
  await assert.rejects(sent, (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
    assert.deepEqual([error.$metadata?.httpStatusCode, error.name], [status, code])
    text = error.message
    return true
  })
  const outcome = ses.calls.at(-1)?.outcome
  assert.deepEqual(outcome, { status, code, message: text, carriedOut: false })
  return text
}

export interface Answer {
  status: number
  body: string
}

/** An HTTP request by hand. */
export function raw(
  ses: SesEmulator,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  line: { method?: string; path?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const options = {
      port: ses.port,
      method: 'POST',
      agent: false,
      ...line,
      headers: { ...type, ...headers },
    }
    const sent = request(options, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Headers that pass where credentials are 'any'. */
export function unproved(region = 'eu-west-1', nowMs = Date.now()): Record<string, string> {
  const stamp = `${new Date(nowMs).toISOString().slice(0, 19).replace(/[:-]/g, '')}Z`
  return {
    'x-amz-date': stamp,
    authorization:
      `AWS4-HMAC-SHA256 Credential=KEY/${stamp.slice(0, 8)}/${region}/ses/aws4_request, ` +
      `SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
  }
}
