// Policies of a host that receives mail for one domain. They match no sample mail. Plain text.

/** Conditions on the envelope and the header. */
export const HEADER_POLICY = `
[partners]
recipient = @example.com
sender = @partner.example, @.trusted.example
action = accept

[gone]
recipient = anna.gone@example.com, old-*@example.com
action = bounce
bounce.type = DoesNotExist

[too-large]
recipient = @example.com
size = > 20mb
action = bounce
bounce.type = MessageTooLarge

[infected]
recipient = @example.com
verdict.virus = fail
action = drop

[lists]
recipient = @example.com
header.List-Id = *
action = quarantine

[scam]
recipient = @example.com
subject = /\\b(?:bank|wire) transfer\\b/, /^RE-?FUND\\b/c, *lottery*, "you have won"
action = quarantine

[mailers]
recipient = @example.com
header.X-Mailer = *bulk*, /^mass ?mail/
action = reject

[unauthenticated]
recipient = @example.com
verdict.spf = fail, softfail
verdict.dkim = none, fail
action = quarantine

[forged]
recipient = @example.com
from = @example.com, @.example.com
action = reject

[many]
recipient = @example.com
recipients = > 50
action = defer
`
/** Conditions on the content. */
export const BODY_POLICY = `
[programs]
recipient = @example.com
attachment.name = *.exe, *.js, *.scr, *.vbs
action = bounce
bounce.type = ContentRejected

[types]
recipient = @example.com
attachment.type = application/x-msdownload, application/x-dosexec
action = quarantine

[many-files]
recipient = @example.com
attachment.count = > 20
action = quarantine

[large-files]
recipient = @example.com
attachment.size = > 15mb
action = reject

[wallets]
recipient = @example.com
body = /\\b(?:bc1[a-z0-9]{20,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\\b/c
action = quarantine

[passwords]
recipient = @example.com
body = /\\b(?:confirm|update) your (?:password|mailbox)\\b/
action = quarantine

[heirs]
recipient = @example.com
body = *late client*fortune*
action = quarantine

[pills]
recipient = @example.com
body = *cheap pills*, *online pharmacy*
action = drop

[unsubscribing]
recipient = @example.com
body = /click here to (?:unsubscribe|opt out)/
action = quarantine

[dialling]
recipient = @example.com
body = /call us at \\+?[0-9][0-9 -]{8,20}/
action = quarantine
`
