// Mails to judge: as SES hands them on, each with its own words and addresses, and as Haraka would hold them.
// Pure, but for the ids that SES gives.

import type { IncomingMail } from '../src/app/evaluate-mail'
import type { Envelope } from '../src/mail/facts'
import { sesMail } from '../test/live/support/mail'
import { pseudoRandom, sentence, text } from './text'

/** The present time for all samples: an hour after SES received them. */
export const NOW_MS = Date.UTC(2025, 1, 20, 13)
const RECEIVED = new Date(NOW_MS - 3_600_000)

export interface Sample {
  envelope: Envelope
  raw: Buffer
  headerLines: readonly string[]
  body: string
}

export interface Parts {
  /** Different for each mail. */
  seed: number
  recipient?: string
  body: string
  /** MIME fields. */
  fields?: Readonly<Record<string, string>>
  /** When SES received it. Default: an hour before NOW_MS. */
  receivedAt?: Date
}

export function sample({
  seed,
  body,
  recipient = `box${seed}@example.com`,
  fields,
  receivedAt = RECEIVED,
}: Parts): Sample {
  const pick = pseudoRandom(seed)
  const sender = `writer${pick(1_000_000)}@origin${pick(10_000)}.example`
  const { data: raw } = sesMail({
    receivedAt,
    sender,
    recipient,
    headers: {
      From: `"Writer ${pick(1000)}" <${sender}>`,
      Subject: subject(seed),
      'Message-ID': `<${pick(2 ** 31)}.${seed}@origin.example>`,
      'X-Mailer': `Letters ${pick(20)}.${pick(20)}`,
      ...fields,
    },
    body,
  })
  const mail = raw.toString()
  return {
    envelope: {
      sender,
      recipients: [{ address: recipient, notifyNever: false }],
      relayIp: '192.0.2.1',
      sizeBytes: raw.length,
    },
    raw,
    headerLines: mail
      .slice(0, mail.indexOf('\r\n\r\n'))
      .split('\r\n')
      .map(line => `${line}\n`),
    body,
  }
}

/** Every seventh subject is encoded. */
function subject(seed: number): string {
  const words = sentence(pseudoRandom(seed + 1), undefined, 6).trim()
  return seed % 7 === 0 ? `=?utf-8?b?${Buffer.from(`„${words}“`).toString('base64')}?=` : words
}

/** A mail of everyday words, by default five kilobytes. */
export function textSample(seed: number, more: Partial<Parts> = {}): Sample {
  return sample({ seed, body: text(5000, seed), ...more })
}

/** `content` and `search`: of the caller. */
export function asIncoming(
  { envelope, headerLines }: Sample,
  { content, search }: Pick<IncomingMail, 'content' | 'search'>,
): IncomingMail {
  return {
    envelope,
    headerLines,
    headerIsCut: false,
    ownFields: 0,
    nowMs: NOW_MS,
    nowMonoMs: 0,
    content,
    results: () => [],
    search,
  }
}
