// The table of [relay.sqs], for `ses-bounce relay`.

import { key } from '../key'
import { bucketNames, plainText, queueUrl, relayDomains, secretText, smtpServer } from '../sqs-parsers'
import { choice, count } from '../value-parsers'

export const SMTP_TLS = ['auto', 'required', 'off'] as const
export const S3_EVENTS = ['refuse', 'for'] as const

export const RELAY_SQS = {
  queue_url: key(queueUrl, '', 'the queue in which SES announces mail; empty: there is no such relay', {
    example: 'https://sqs.eu-west-1.amazonaws.com/123456789012/ses-mail',
  }),
  dead_letter_url: key(queueUrl, '', "the queue for what can't be handed over; required", {
    example: 'https://sqs.eu-west-1.amazonaws.com/123456789012/ses-mail-dead',
  }),
  buckets: key(
    bucketNames,
    '',
    'the buckets with the mail; any other goes to the dead-letter queue, unread; required',
    {
      example: 'mail-of-example-org',
    },
  ),
  domains: key(
    relayDomains,
    '',
    'the domains of recipients; any other goes to the dead-letter queue, unread; required',
    {
      example: 'example.org, @.example.org',
    },
  ),
  smtp: key(smtpServer, '127.0.0.1:25', 'the Haraka that gets the mail'),
  user: key(plainText, '', 'the user for SMTP AUTH; empty: none', { example: 'ses-relay' }),
  password: key(secretText, '', 'the password for SMTP AUTH', { example: 'env:RELAY_PASSWORD' }),
  tls: key(
    choice(SMTP_TLS),
    'auto',
    'auto: STARTTLS where Haraka offers it, and its certificate is verified, except on loopback; required; off',
  ),
  concurrency: key(count({ min: 1, max: 100 }), '4', 'the most mails at a time'),
  s3_events: key(
    choice(S3_EVENTS),
    'refuse',
    "what is done with events of S3, which name no recipients: refuse, or take the recipient of SES's Received",
    { note: 'refuse: they go to the dead-letter queue. for: other recipients of the mail (Bcc) are lost.' },
  ),
}
