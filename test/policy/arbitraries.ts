// Rules and mails that meet often enough for properties to mean something: few names, many ways to combine them.
// All of them are valid.

import fc from 'fast-check'
import { HOUR_MS, type MailParts, NOW_MS } from './support'

const address = fc.constantFrom(
  'a@x.example',
  'b@x.example',
  'a@sub.x.example',
  'a@example.com',
  'b@example.com',
  'c@y.test',
)
const sender = fc.oneof(address, fc.constant(''))
const addressPattern = fc.oneof(
  address,
  fc.constantFrom('@x.example', '@.x.example', '*@*.example', 'a*@example.com', '<>', '@example.com', '*@*'),
  fc.constantFrom('/^A@/', '/@(x|sub)\\./', '/^$/', '/\\.test$|^b/i'),
)
const list = (pattern: fc.Arbitrary<string>) =>
  fc.array(pattern, { minLength: 1, maxLength: 3 }).map(patterns => patterns.join(', '))
const addresses = list(addressPattern)
const numbers = fc.constantFrom('> 1', '1', '2', '1..3', '< 2', '5000', '>= 5kb')

const condition = fc.oneof(
  fc.tuple(fc.constantFrom('recipient', 'sender', 'envelope.recipient', 'envelope.sender'), addresses),
  fc.tuple(fc.constantFrom('from', 'to'), addresses),
  fc.tuple(fc.constantFrom('size'), numbers),
  fc.tuple(fc.constantFrom('recipients'), fc.constantFrom('> 1', '1', '1..2')),
  fc.tuple(fc.constantFrom('age'), fc.constantFrom('> 1h', '< 1d', '1h')),
  fc.tuple(fc.constantFrom('relay.ip', 'client.ip'), fc.constantFrom('192.0.2.0/24', '192.0.2.1', '::/0')),
  fc.tuple(
    fc.constantFrom('subject', 'header.x-a', 'region'),
    fc.constantFrom('*', 'x*', 'eu-west-1', '/^X/', '/^X/c', '/[xy]|-1/'),
  ),
  fc.tuple(
    fc.constantFrom('body', 'attachment.name'),
    fc.constantFrom('*', 'x*', '*.exe', '/^X/', '/[xy]\\.exe|y$/'),
  ),
  fc.tuple(fc.constantFrom('attachment.size'), numbers),
  fc.tuple(fc.constantFrom('attachment.count'), fc.constantFrom('0', '> 1', '1..2')),
  fc.tuple(fc.constantFrom('result.p.score'), fc.constantFrom('> 5', '5', '*', 'x')),
)
const outcome = fc.constantFrom(
  'action = accept',
  'action = bounce',
  'action = bounce\ndeliver = true',
  'action = bounce\nfallback = accept',
  'action = bounce\nguard.authentication = none',
  'action = reject',
  'action = drop',
)
const rule = fc.record({
  conditions: fc.uniqueArray(fc.tuple(fc.constantFrom('', 'not.'), condition), {
    selector: ([not, [key]]) => not + key,
    maxLength: 3,
  }),
  outcome,
  observe: fc.boolean(),
})

/** The text of up to five rules, whose names begin as asked. */
export const RULES: fc.Arbitrary<(prefix: string) => string> = fc
  .array(rule, { maxLength: 5 })
  .map(
    rules => prefix =>
      rules
        .flatMap(({ conditions, outcome, observe }, index) => [
          `[${prefix}${index}]`,
          ...conditions.map(([not, [key, value]]) => `${not}${key} = ${value}`),
          outcome,
          ...(observe ? ['mode = observe'] : []),
        ])
        .join('\n'),
  )

export const MAILS: fc.Arbitrary<MailParts> = fc
  .record({
    sender,
    envelopeSender: sender,
    pairs: fc.array(fc.tuple(address, address, fc.boolean()), { minLength: 1, maxLength: 3 }),
    sizeBytes: fc.constantFrom(1, 2, 5000, 6000),
    relayIp: fc.constantFrom('192.0.2.1', '198.51.100.1', '2001:db8::1'),
    hasReceipt: fc.boolean(),
    ageMs: fc.constantFrom(0, HOUR_MS, 30 * HOUR_MS),
    from: fc.array(address, { maxLength: 2 }),
    subject: fc.array(fc.constantFrom('x', 'y', ''), { maxLength: 2 }),
    content: fc.record({
      texts: fc.array(fc.constantFrom('x', 'y', ''), { maxLength: 2 }),
      attachments: fc.array(
        fc.record({
          names: fc.array(fc.constantFrom('x.exe', 'y'), { maxLength: 2 }),
          types: fc.constant(['application/octet-stream']),
          sizeBytes: fc.constantFrom(1, 2, 5000, 6000),
        }),
        { maxLength: 2 },
      ),
    }),
    score: fc.array(fc.constantFrom(5, '6', 'x'), { maxLength: 2 }),
  })
  .map(({ pairs, hasReceipt, ageMs, from, subject, score, ...parts }) => ({
    ...parts,
    results: { 'p.score': score },
    recipients: pairs.map(([given, record, same]) => (same || !hasReceipt ? given : record)),
    envelopeRecipients: pairs.map(([given]) => given),
    sender: hasReceipt ? parts.sender : parts.envelopeSender,
    receipt: hasReceipt ? { receivedAtMs: NOW_MS - ageMs } : null,
    addresses: { from },
    headers: { subject },
  }))
