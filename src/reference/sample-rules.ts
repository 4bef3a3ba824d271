// Sample rules by task for config/ses-bounce-rules.ini: the most wanted ones, and each action once.
// Plain data; a test compiles each of them alone, and all together.

export interface SampleRule {
  /** Its task, as lines of comments. */
  task: readonly string[]
  /** The lines of the rule, beginning with its section. */
  lines: readonly string[]
}

export const SAMPLE_RULES: readonly SampleRule[] = [
  {
    task: [
      'What other plugins refuse: without such a rule the relay is told, and the sender learns nothing. Such rules are',
      'checked for refusals only, and no other rule is. A mailbox that no recipient plugin knows:',
    ],
    lines: ['[no-such-user]', 'refused.by = rcpt-ldap, nobody', 'action = bounce', 'cap = 500/hour'],
  },
  {
    task: ['Content that other plugins refuse, in their words. A virus or spam is kept: the guards hold.'],
    lines: [
      '[refused-content]',
      'refused.by = attachment, headers, clamd, rspamd',
      'action = bounce',
      'bounce.text = {reason}',
    ],
  },
  {
    task: ['What a server behind Haraka refuses (smtp_forward, LMTP), and what Haraka can not deliver.'],
    lines: ['[undeliverable]', 'refused.stage = queue, delivery', 'action = bounce'],
  },
  {
    task: [
      'Partners: their mail is always accepted, if it is theirs. First of the others, so that none below is checked.',
    ],
    lines: [
      '[partners]',
      'sender = @partner.example, @.trusted.example',
      'verdict.spf = pass',
      'action = accept',
    ],
  },
  {
    task: ['Blocked: only the relay is told, so the sender learns nothing.'],
    lines: [
      '[blocked]',
      'sender = @spammer.example, *@*.bad.example',
      'action = reject',
      'reply = 5.7.1 Not wanted here',
    ],
  },
  {
    task: [
      'Unknown mailboxes: all that are not in config/mailboxes, one pattern a line. SES tells the sender.',
    ],
    lines: [
      '[unknown-mailbox]',
      'recipient = @example.com',
      'not.recipient = file:mailboxes',
      'action = bounce',
      'bounce.type = DoesNotExist',
    ],
  },
  {
    task: ['A mailbox that has moved: the sender learns it, and the mail is delivered all the same.'],
    lines: [
      '[moved]',
      'recipient = old-name@example.com',
      'action = bounce',
      'bounce.text = {recipient} will be closed. Please write to new-name@example.com.',
      'deliver = true',
    ],
  },
  {
    task: ['Programs, by the names of attachments. Tried out first: with mode = observe it is only logged.'],
    lines: [
      '[programs]',
      'attachment.name = *.exe, *.scr, *.js, *.vbs, *.bat, *.cmd, *.msi, *.jar, *.iso, *.lnk',
      'action = bounce',
      'bounce.type = ContentRejected',
      'bounce.status = 5.7.1',
      'bounce.text = We take no programs by mail ({attachment}). Please send a link.',
      'mode = observe',
    ],
  },
  {
    task: [
      'Size. [max] bytes in connection.ini must allow more, or Haraka refuses such mail before this rule sees it.',
    ],
    lines: [
      '[too-large]',
      'size = > 20mb',
      'action = bounce',
      'bounce.type = MessageTooLarge',
      'bounce.text = Your mail of {size} is too large for us; 20 MB is the most we take.',
    ],
  },
  {
    task: [
      'Content: what a swindler writes. Kept in ses-bounce/quarantine/, since the address is probably forged.',
    ],
    lines: [
      '[swindle]',
      'subject = *invoice*, *payment*',
      'body = /\\b(gift\\s+cards?|wire\\s+transfer)\\b/',
      'not.verdict.dmarc = pass',
      'action = quarantine',
    ],
  },
  {
    task: ['A result of another plugin: here the score of the plugin rspamd.'],
    lines: ['[high-score]', 'result.rspamd.score = > 15', 'action = quarantine'],
  },
  {
    task: ['A mailbox that is being moved: the relay should try again later.'],
    lines: [
      '[later]',
      'recipient = @moving.example.com',
      'action = defer',
      'reply = 4.3.2 This mailbox is being moved',
    ],
  },
  {
    task: ['Mail of our own monitoring: accepted and deleted.'],
    lines: ['[probes]', 'sender = probe@monitor.example', 'header.X-Probe = *', 'action = drop'],
  },
]
