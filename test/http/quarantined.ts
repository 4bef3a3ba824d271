// Mail in the quarantine of a test's API: in its store, and on the record of its queue.

import { Readable } from 'node:stream'
import { nameOf } from '../../src/quarantine/names'
import type { HeldRecipient } from '../../src/quarantine/record'
import type { Api } from './api-support'

export interface HeldMail {
  sender?: string
  held?: Partial<HeldRecipient>[]
  atMs?: number
  raw?: string
}

/** Its id. `identity`: another mail for each. */
export async function hold(
  { mailStore, queue, clock }: Pick<Api, 'mailStore' | 'queue' | 'clock'>,
  identity: string,
  {
    sender = 'joe@origin.example',
    held = [{}],
    atMs = clock.ms,
    raw = `Subject: ${identity}\r\n\r\nText.\r\n`,
  }: HeldMail = {},
): Promise<string> {
  const name = nameOf(identity)
  const whole = held.map(one => ({
    recipient: 'a@yours.example',
    rule: 'programs',
    reason: 'by the rule',
    ...one,
  }))
  const file = { place: 'quarantine', name, bytes: Buffer.byteLength(raw) } as const
  await queue.mail.reserve([file], sender, Number.MAX_SAFE_INTEGER, atMs)
  await mailStore.write(
    'quarantine',
    name,
    {
      quarantinedAt: new Date(atMs).toISOString(),
      sender,
      envelope: { sender, recipients: whole.map(({ recipient }) => recipient), relayIp: '192.0.2.1' },
      held: whole,
      receipt: { sesId: identity },
    },
    to => void Readable.from([raw]).pipe(to),
  )
  return name
}
