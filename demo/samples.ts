// Makes the sample mails, each with its expected outcome.
// The emulator knows only mail that SES had, so it refuses bounces for forged mail.

import type { KnownMessage } from '../src/ses-emulator/ses'
import { newSesId, relayHop, sesMail } from '../test/live/support/mail'
import type { MailOptions } from '../test/live/support/smtp'
import { type Expected, MAILS, type Mail } from './mails'

export interface Sample {
  title: string
  handed: MailOptions
  sesId: string
  /** Recipients of record, whose outcomes are compared. */
  recipients: readonly string[]
  /** The mail as SES knows it. Undefined: SES never had it. */
  known?: KnownMessage
  /** The relay delivers the mail again. */
  again?: boolean
  /** Another plugin refuses it. */
  isRefused: boolean
  expected: Expected
}

const REGION = 'eu-west-1'
const HOUR_MS = 3_600_000

/** All are received at `now`, except old ones. */
export function makeSamples(now: Date): Sample[] {
  const samples = MAILS.map(mail => sampleOf(mail, now))
  const [, second] = samples
  if (second === undefined) return samples
  const expected = { ...second.expected, happens: 'bounced once', why: 'not-in-directory, known already' }
  return [...samples, { ...second, title: 'number 2, delivered again', again: true, expected }]
}

function sampleOf(mail: Mail, now: Date): Sample {
  const { from: sender, to, sesHad = to, title, expected } = mail
  const sesId = newSesId()
  const receivedAt = new Date(now.getTime() - (mail.ageHours ?? 0) * HOUR_MS)
  const recipient = (sesHad === 'nothing' ? to : sesHad)[0] ?? ''
  const domain = sender === '' ? 'origin.example' : sender.slice(sender.lastIndexOf('@') + 1)
  const { form = 'classic', refolded = false, proved = true, spam = 'PASS' } = mail
  const result = proved ? 'pass' : 'fail'
  const { data } = sesMail({
    form,
    refolded,
    sesId,
    region: REGION,
    receivedAt,
    sender,
    recipient,
    spam,
    helo: `mail.${domain}`,
    spf: result,
    spfDomain: domain,
    dkim: proved ? [{ result, domain }] : [],
    dmarc: { result, domain },
    ...(refolded && { extraTop: [relayHop({ by: 'relay.example.com', at: receivedAt })] }),
    headers: {
      From: sender === '' ? 'MAILER-DAEMON@origin.example' : sender,
      To: to.join(', '),
      Subject: mail.subject ?? 'Lunch on Thursday?',
      ...mail.fields,
    },
    body: mail.body ?? 'Hello,\n\nwould Thursday at noon suit you?',
  })
  const known = { sesId, region: REGION, sender, receivedAtMs: receivedAt.getTime() }
  return {
    title,
    handed: { ...(mail.envelope ?? { from: sender, to }), data },
    sesId,
    recipients: to,
    isRefused: mail.isRefused ?? false,
    ...(sesHad !== 'nothing' && { known: { ...known, recipients: [...sesHad] } }),
    expected,
  }
}
