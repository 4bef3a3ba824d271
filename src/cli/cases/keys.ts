// The keys of a test case. They have the names of the conditions on the same values. Plain data.

import { familyOf, findField } from '../../policy/fields'

/** Groups of keys that can be combined: a mail from a file has its own header, content and receipt of SES. */
export type KeyGroup = 'file' | 'ses' | 'header' | 'content' | 'relay' | 'expect'

interface KeyMeaning {
  group: KeyGroup
  meaning: string
}

const VERDICTS = ['spam', 'virus', 'spf', 'dkim', 'dmarc'] as const

export const CASE_KEYS: Readonly<Record<string, KeyMeaning>> = {
  mail: {
    group: 'file',
    meaning: 'a mail in a file, as the relay delivers it; its path from config/. Without it one is made',
  },
  recipient: { group: 'ses', meaning: 'the recipients that SES had; several with commas' },
  sender: {
    group: 'ses',
    meaning: 'the sender at SES; <> is the null sender (default someone@sender.example)',
  },
  'client.ip': { group: 'ses', meaning: 'the address that gave it to SES (default 192.0.2.25)' },
  'client.helo': {
    group: 'ses',
    meaning: "the HELO of that host (default mail. and the sender's domain)",
  },
  'client.name': { group: 'ses', meaning: 'its name in the DNS (default the same)' },
  region: { group: 'ses', meaning: 'the region of SES (default eu-west-1)' },
  ...Object.fromEntries(
    VERDICTS.map(name => [
      `verdict.${name}`,
      { group: 'ses', meaning: 'the verdict of SES, in the words of that condition (default pass)' } as const,
    ]),
  ),
  receipt: { group: 'ses', meaning: 'none: the mail has no receipt of SES' },
  age: { group: 'relay', meaning: 'the time from receipt by SES to delivery (default 1m)' },
  at: { group: 'relay', meaning: 'the time of delivery: 2025-02-20T12:38:04Z' },
  from: { group: 'header', meaning: 'From (default the sender)' },
  to: { group: 'header', meaning: 'To (default the recipients)' },
  cc: { group: 'header', meaning: 'Cc' },
  'reply-to': { group: 'header', meaning: 'Reply-To' },
  subject: { group: 'header', meaning: 'Subject' },
  'header.': { group: 'header', meaning: 'any other field' },
  body: { group: 'content', meaning: 'its text; \\n is a line end' },
  'body.html': { group: 'content', meaning: 'its HTML' },
  'attachment.name': { group: 'content', meaning: 'an attachment for each name, separated by commas' },
  'attachment.type': {
    group: 'content',
    meaning: 'of all, or one for each (default application/octet-stream)',
  },
  'attachment.size': { group: 'content', meaning: 'of all, or one for each (default 1kb)' },
  size: { group: 'relay', meaning: 'the size of the whole mail, instead of its real one' },
  'envelope.sender': { group: 'relay', meaning: 'MAIL FROM of the relay (default the sender)' },
  'envelope.recipient': {
    group: 'relay',
    meaning: 'RCPT TO of the relay, with commas (default the recipients)',
  },
  'relay.ip': { group: 'relay', meaning: 'the relay (default the first of [relay] trusted)' },
  'refused.by': {
    group: 'relay',
    meaning:
      'the plugin that refused, or nobody, outbound; one for all recipients, or one each; empty: not refused',
  },
  'refused.stage': { group: 'relay', meaning: 'when it was refused (default rcpt)' },
  'refused.reply': { group: 'relay', meaning: 'its reply, as 550 5.1.1 No such user' },
  'result.': { group: 'relay', meaning: 'a result of another Haraka plugin' },
  'expect.rule': { group: 'expect', meaning: 'the rule that decides; none: no rule' },
  'expect.action': { group: 'expect', meaning: 'the action that is carried out' },
  'expect.reason': {
    group: 'expect',
    meaning: 'why it is not bounced: a key of [fallback]; none: it is, or no rule says so',
  },
  'expect.reply': { group: 'expect', meaning: 'the refusal as 550 5.1.1 No such mailbox; may hold * and ?' },
  'expect.text': { group: 'expect', meaning: 'the text of the bounce; may hold * and ?' },
}

/** The names as written in a file. */
export const CASE_KEY_NAMES: readonly string[] = Object.keys(CASE_KEYS).map(key => familyOf(key) ?? key)

/** Undefined: there is no such key. */
export function groupOf(key: string): KeyGroup | undefined {
  const field = findField(key)?.field
  const name = field?.family === undefined ? key : field.name
  return !key.endsWith('.') && Object.hasOwn(CASE_KEYS, name) ? CASE_KEYS[name]?.group : undefined
}

/** All keys with their meanings for `--help`, with the verdicts in one line. */
export function keyTable(): string[] {
  return Object.entries(CASE_KEYS)
    .filter(([key]) => !key.startsWith('verdict.') || key === `verdict.${VERDICTS[0]}`)
    .map(([key, { meaning }]) => {
      const name = key.startsWith('verdict.') ? 'verdict.NAME' : (familyOf(key) ?? key)
      return `  ${name.padEnd(20)} ${meaning}`
    })
}
