// The texts about conditions, by the keys of the table of conditions.
// Plain data; a test checks that each condition has a text here, and an example that the checker accepts.

export interface FieldText {
  /** One line that can stand alone. */
  meaning: string
  /** Patterns as written after the `=`. */
  example: string
  /** For a family: a key with the name filled in. */
  key?: string
  /** More for the reference. */
  note?: string
}

const RECEIPT = "From SES's Received line; without a receipt nothing matches."
const VERDICT = 'Where SES wrote none, it is none.'
const FIELD_NAMES = "Case doesn't count in the name. If a field occurs several times, one must match."
const REFUSED = 'A rule with such a condition is only checked for refusals.'
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
  'client.helo': {
    meaning: 'the name that the host gave in its HELO or EHLO to SES',
    example: '*.dynamic.example',
    note: RECEIPT,
  },
  'client.name': { meaning: 'the name of that host in the DNS', example: '*.origin.example', note: RECEIPT },
  'relay.ip': { meaning: 'the address that gave the mail to Haraka', example: '192.0.2.10' },
  region: { meaning: 'the AWS region in which SES received the mail', example: 'eu-*', note: RECEIPT },
  'verdict.spam': { meaning: "SES's spam verdict", example: 'fail', note: VERDICT },
  'verdict.virus': { meaning: "SES's virus verdict", example: 'fail', note: VERDICT },
  'verdict.spf': { meaning: "SES's SPF result", example: 'fail, softfail', note: VERDICT },
  'verdict.dkim': {
    meaning: "SES's DKIM result",
    example: 'pass',
    note: `If there are several signatures, one that passed is enough. ${VERDICT}`,
  },
  'verdict.dmarc': { meaning: "SES's DMARC result", example: 'fail', note: VERDICT },
  size: {
    meaning: 'the size of the whole mail, including attachments in their encoded form',
    example: '> 20mb',
  },
  age: { meaning: 'the time since SES received the mail', example: '> 12h', note: RECEIPT },
  recipients: { meaning: 'the number of recipients that the relay gave for the mail', example: '> 20' },
  body: {
    meaning: 'the text of the mail: its text parts, and the visible text of its HTML parts',
    example: '/\\bwire\\s+transfer\\b/, *badlinks.example*',
    note: 'The text is decoded. In HTML, white space is folded, and the target of a link follows its text in []. Text beyond [content] limit is not searched.',
  },
  'attachment.name': {
    meaning: 'the file name of any attachment',
    example: '*.exe, *.js, *.scr',
    note: `${PART} If a part has two names, both are matched.`,
  },
  'attachment.archive': {
    meaning: 'the name of any file in an attached zip archive, with its folders and without them',
    example: '*.exe, *.js, *.scr',
    note: 'Archives are opened only if a rule has this condition, one level deep. A damaged or encrypted list of files is content that can not be read. Other archives are not opened: refuse them by attachment.name.',
  },
  'attachment.type': {
    meaning: 'the content type of any attachment, as the mail declares it',
    example: 'application/x-msdownload, application/java-archive',
    note: 'For application/octet-stream the type that belongs to the file name counts too.',
  },
  'attachment.size': { meaning: 'the size of any attachment, decoded', example: '> 10mb', note: PART },
  'attachment.count': { meaning: 'the number of attachments', example: '> 20', note: PART },
  'refused.by': {
    meaning: 'the plugin of Haraka that refused the recipient or the mail',
    example: 'rcpt-ldap, nobody',
    note: `Named as in config/plugins. nobody: no plugin accepted the recipient; outbound: Haraka's delivery, LMTP too. * and not. mean all but those that judge the relay or can't tell a refusal from a fault: nobody, karma, spf, fcrdns, dns-list, helo.checks, geoip, asn, p0f, mail_from.is_resolvable, bounce. ${REFUSED}`,
  },
  'refused.stage': {
    meaning: 'when it was refused',
    example: 'queue, delivery',
    note: `rcpt is rcpt_ok too, data is data_post too, delivery is Haraka's outbound delivery. ${REFUSED}`,
  },
  'refused.code': {
    meaning: 'the code of the refusal',
    example: '550, 554',
    note: `4xx at delivery only, once Haraka has given up: what is refused for now always stands. ${REFUSED}`,
  },
  'refused.status': {
    meaning: 'the enhanced status of the refusal (RFC 3463)',
    example: '5.1.1, 5.7.*',
    note: `Where the plugin gives none, the one that goes with the plugin and the stage. ${REFUSED}`,
  },
  'refused.reply': {
    meaning: 'the words of the refusal, without code and status',
    example: '*no such user*, /quota/',
    note: `At most 256 characters of printable ASCII. ${REFUSED}`,
  },
  'result.PLUGIN.PATH': {
    meaning: 'a result of another plugin of Haraka: its entry in the results of the mail or connection',
    key: 'result.rspamd.score',
    example: '> 15',
    note: 'Numbers compare, text matches as text, so do true and false. A list holds when one of its elements matches.',
  },
}
