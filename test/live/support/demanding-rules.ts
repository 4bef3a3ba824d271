// A policy that asks every mail for everything it can hold, with every kind of pattern, and then bounces it.

const TEXTS = ['never*', '*a*a*a*never?x*', '/never (said|seen) in .*mail/', '/(a|b)*never/', 'never']
const ADDRESSES = ['nobody@never.example', '*never*@*.example', '@.never.example', '/never[0-9]+x/']

const ADDRESS_KEYS = [
  'from',
  'to',
  'cc',
  'reply-to',
  'sender',
  'recipient',
  'envelope.sender',
  'envelope.recipient',
]
const TEXT_KEYS = [
  'subject',
  'header.Subject',
  'header.To',
  'header.From',
  'header.Cc',
  'header.Received',
  'header.References',
  'header.Content-Type',
  'header.List-Unsubscribe',
  'header.Message-ID',
  'client.helo',
  'client.name',
  'body',
  'attachment.name',
  'attachment.type',
  ...Array.from({ length: 300 }, (_, at) => `header.X-${at}`),
]

export const RULES = [
  ...ADDRESS_KEYS.flatMap(key => rules(key, ADDRESSES)),
  ...TEXT_KEYS.flatMap(key => rules(key, TEXTS)),
  '[guarded]\nrecipient = @yours.example\naction = bounce\nbounce.type = ContentRejected\nguard.list_mail = true',
  'bounce.text = Not taken: {subject} {sender} {recipient} {message-id} {attachment} {size} {rule} {ses-id}',
  'bounce.diagnostic = smtp; 550 {subject} {message-id}',
].join('\n')

function rules(key: string, patterns: readonly string[]): string[] {
  const name = key.replace(/[^A-Za-z0-9]/g, '-')
  return [
    `[${name}-each]\n${key} = ${patterns.join(', ')}\naction = quarantine`,
    ...patterns.map((pattern, at) => `[${name}-${at}]\n${key} = ${pattern}\nsize = > 1gb\naction = drop`),
  ]
}

/** The last queue plugin: takes every mail, and does nothing with it. */
export const SINK = `'use strict'
exports.hook_queue = next => next(OK, 'sunk')
exports.hook_queue_outbound = exports.hook_queue
`
