// The demo's configuration: a small policy that shows the kinds of rules, for a site that receives for example.com.
// Its comments are for people who open the files while the demo runs.

import type { StatusPage } from './status-page'

/** The text of ses-bounce.ini. */
export function settingsIni(sesUrl: string, page: StatusPage | undefined): string {
  return `; ses-bounce.ini: the settings that differ from the defaults

[relay]
trusted = 127.0.0.1      ; only mail from here is looked at

[limit]
slack = 30ms             ; the emulator shares this machine with all else; 5ms, the default, is enough for AWS

[ses]
endpoint = ${sesUrl}     ; the emulator; without this line: AWS
${page === undefined ? '' : httpSection(page)}`
}

function httpSection({ url, token }: StatusPage): string {
  return `
[http]
token = ${token}      ; for ${url}
`
}

export const RULES_INI = `; ses-bounce-rules.ini: a section is a rule. For each recipient the rules are tried from top to bottom,
; and the first whose lines all hold decides. If none does, the mail is accepted.
; Save a change, and it is active some seconds later; an error in it is shown, and changes nothing.

; Two rules about what other plugins refuse: plugins/directory.js and plugins/scanner.js. Without these rules only the
; relay would hear of the refusals. No other rule is checked for a refusal.

[not-in-directory]
refused.by = directory
action = bounce                           ; its type, status and words come from the refusal

[scanned]
refused.by = scanner
action = bounce
bounce.text = {reason}

; The rules about mail that nobody refused.

[trial]
subject = *invoice*
action = bounce
mode = observe                            ; watch a rule before you trust it

[partners]
sender = @partner.example, @.partner.example
action = accept

[blocked]
sender = file:blocked-senders             ; config/blocked-senders, one pattern a line
action = reject
reply = 5.7.1 We take no mail from {sender}

[moving]
recipient = ledger@example.com
action = defer
reply = 4.3.2 This mailbox is being moved. Please try again later.

[machines]
recipient = no-reply@example.com
action = drop

[suspicious]
subject = *account * suspended*, *password * expired*
action = quarantine

[mass-mail]
header.X-Mailer = MassMail*, BlastMaster*
action = bounce
bounce.type = ContentRejected
bounce.status = 5.7.1
bounce.text = We take no mass mail. Please write to us in person.

[programs]
attachment.name = *.exe, *.scr, *.js
action = bounce
bounce.type = ContentRejected
bounce.status = 5.7.1
bounce.text = We take no programs by mail ({attachment}). Please send a link.

[gift-cards]
body = /\\bgift\\s+cards?\\b/                ; in the text, or in what is seen of the HTML
not.verdict.dmarc = pass
action = quarantine

[too-large]
size = > 64kb
action = bounce
bounce.type = MessageTooLarge
bounce.text = We take mail up to 64 kB, and this one has {size}. Please send a link.

[full]
recipient = file:full-mailboxes
action = bounce
bounce.type = ExceededQuota

[unknown-mailbox]
recipient = @example.com
not.recipient = file:mailboxes
action = bounce
bounce.type = DoesNotExist
bounce.text = There is no such mailbox here.
bounce.diagnostic = 550 5.1.1 <{recipient}>: no such mailbox
`

/** Name in config/ and text. */
export const LISTS: Readonly<Record<string, string>> = {
  staff: 'carol\ndave\n',
  mailboxes:
    'anna@example.com\nben@example.com\nsales@example.com\nledger@example.com\narchive@example.com\n',
  'full-mailboxes': 'archive@example.com\n',
  'blocked-senders': '@blocked.example\n*-offers@*.example\n',
}
