// The texts about conditions for people, by the keys of the table of conditions.
// Plain data; a test fails when a condition has no text here, or an example that the checker refuses.

export interface FieldText {
  /** One line that is understood alone. */
  meaning: string
  /** Patterns, in the form behind the `=`. */
  example: string
  /** For a family: a key with the name filled in. */
  key?: string
  /** More for the reference. */
  note?: string
}

const RECEIPT = "From SES's Received line; without a receipt nothing matches."
const VERDICT = 'Where SES wrote none, it is none.'
const FIELD_NAMES = "Case doesn't count in the name. Of a field that stands several times, one must match."
const PART =
  "Every part that isn't the mail's own text: inline pictures and attached mails too, with their own attachments."

export const FIELD_TEXTS: Readonly<Record<string, FieldText>> = {
  recipient: {
    meaning: 'the recipient that SES had (recipient of record)',
    example: '@example.com, @.example.org',
    note: "Where it can't be determined, or there is no receipt, the recipient that the relay gave is used.",
  },
  sender: {
    meaning: 'the sender that SES had (sender of record); the bounce goes there',
    example: '@partner.example, <>',
    note: "From SES's Return-Path; without one, the sender that the relay gave is used. <> is the null sender.",
  },
  'envelope.recipient': {
    meaning: 'the recipient as the relay gave it in RCPT TO',
    example: 'sales@example.com',
  },
  'envelope.sender': {
    meaning: 'the sender as the relay gave it in MAIL FROM',
    example: '@forwarder.example',
  },
  from: { meaning: 'any address in From', example: '@newsletter.example' },
  to: { meaning: 'any address in To', example: 'all@example.com' },
  cc: { meaning: 'any address in Cc', example: 'all@example.com' },
  'reply-to': { meaning: 'any address in Reply-To', example: '@freemail.example' },
  subject: {
    meaning: 'the subject, decoded',
    example: '*invoice*, /\\bfinal (notice|reminder)\\b/',
    note: '* holds when there is such a field, not.subject = * when there is none.',
  },
  'header.NAME': {
    meaning: 'any header field of that name, decoded',
    key: 'header.List-Id',
    example: '*',
    note: `${FIELD_NAMES} * holds when there is one at all.`,
  },
  'client.ip': {
    meaning: 'the address that gave the mail to SES',
    example: '198.51.100.0/24',
    note: RECEIPT,
  },
  'client.helo': { meaning: 'how that host greeted SES', example: '*.dynamic.example', note: RECEIPT },
  'client.name': { meaning: 'the name of that host in the DNS', example: '*.origin.example', note: RECEIPT },
  'relay.ip': { meaning: 'the address that gave the mail to Haraka', example: '192.0.2.10' },
  region: { meaning: 'the AWS region in which SES received the mail', example: 'eu-*', note: RECEIPT },
  'verdict.spam': { meaning: "SES's spam verdict", example: 'fail', note: VERDICT },
  'verdict.virus': { meaning: "SES's virus verdict", example: 'fail', note: VERDICT },
  'verdict.spf': { meaning: "SES's SPF result", example: 'fail, softfail', note: VERDICT },
  'verdict.dkim': {
    meaning: "SES's DKIM result",
    example: 'pass',
    note: `Of several signatures one that passed is enough. ${VERDICT}`,
  },
  'verdict.dmarc': { meaning: "SES's DMARC result", example: 'fail', note: VERDICT },
  size: { meaning: 'the size of the whole mail, attachments as they are encoded', example: '> 20mb' },
  age: { meaning: 'the time since SES received the mail', example: '> 12h', note: RECEIPT },
  recipients: { meaning: 'how many recipients the relay gave for the mail', example: '> 20' },
  body: {
    meaning: 'the text of the mail: its text parts, and the visible text of its HTML parts',
    example: '/\\bwire\\s+transfer\\b/, *badlinks.example*',
    note: 'Decoded. In HTML, white space is folded, and the target of a link stands behind it, in []. Each is searched up to [content] limit.',
  },
  'attachment.name': {
    meaning: 'the file name of any attachment',
    example: '*.exe, *.js, *.scr',
    note: `${PART} Where a mail gives a part two names, both are looked at.`,
  },
  'attachment.type': {
    meaning: 'the content type of any attachment, as the mail declares it',
    example: 'application/x-msdownload, application/java-archive',
    note: 'For application/octet-stream the type that goes with the file name is looked at, too.',
  },
  'attachment.size': { meaning: 'the size of any attachment, decoded', example: '> 10mb', note: PART },
  'attachment.count': { meaning: 'how many attachments there are', example: '> 20', note: PART },
  'result.PLUGIN.PATH': {
    meaning: 'a result of another plugin of Haraka: its entry in the results of the mail or connection',
    key: 'result.rspamd.score',
    example: '> 15',
    note: 'Numbers compare, text matches as text, so do true and false. A list holds when one of its elements matches.',
  },
}
