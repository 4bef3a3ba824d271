// The sample mails as they are handed over, each with what must become of it.
// What SES knows of them is true, so that the stand-in refuses what was forged.

import type { KnownMessage } from '../src/ses-emulator/ses'
import { newSesId, relayHop, sesMail } from '../test/live/support/mail'
import type { MailOptions } from '../test/live/support/smtp'
import { type Expected, MAILS, type Mail } from './mails'

export interface Sample {
  title: string
  handed: MailOptions
  sesId: string
  /** Recipients of record: whose fate is looked at. */
  recipients: readonly string[]
  /** As SES has it; undefined: it never saw the mail. */
  known?: KnownMessage
  /** The relay delivers a mail once more. */
  again?: boolean
  expected: Expected
}

const REGION = 'eu-west-1'
const HOUR_MS = 3_600_000

/** Received just now, but for those that are old. */
export function makeSamples(now: Date): Sample[] {
  const samples = MAILS.map(mail => sampleOf(mail, now))
  const [, second] = samples
  if (second === undefined) return samples
  const expected = { ...second.expected, happens: 'bounced once', why: 'unknown-mailbox, taken before' }
  return [...samples, { ...second, title: 'number 2, delivered once more', again: true, expected }]
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
    ...(sesHad !== 'nothing' && { known: { ...known, recipients: [...sesHad] } }),
    expected,
  }
}
