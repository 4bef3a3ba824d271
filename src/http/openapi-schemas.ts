// The API's answers as JSON Schema (2020-12, as in OpenAPI 3.1). Plain data.

import { BOUNCE_TYPES } from '../policy/decision'
import { JOB_STATES } from '../queue/job'
import { VERDICT_STATES } from '../queue/verdict'
import { REASON_KINDS } from '../queue/verdict-reasons'
import { FAULT_CODES } from './reply'

/** A time in a request. */
export const TIME_SCHEMA = { type: 'string', format: 'date-time', examples: ['2025-01-01T00:00:00Z'] }
/** A time in an answer. */
export const TIME = { ...TIME_SCHEMA, pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' }

export const TEXT = { type: 'string' }
export const NUMBER = { type: 'integer', minimum: 0 }

export function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}

/** All properties are required, except those in `maybe`. */
export function object(properties: Record<string, object>, maybe: Record<string, object> = {}): object {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, ...maybe },
    additionalProperties: false,
  }
}

export const about = (schema: object, description: string) => ({ ...schema, description })

export const BOUNCE = object(
  {
    id: TEXT,
    created_at: TIME,
    changed_at: TIME,
    state: { enum: JOB_STATES },
    region: TEXT,
    ses_id: about(TEXT, 'That SES gave the mail.'),
    original_message_id: about(TEXT, 'The same, as SendBounce calls it.'),
    received_at: TIME,
    deadline_at: about(TIME, 'After this SES takes no bounce for the mail.'),
    sender: about(TEXT, 'Who gets the bounce.'),
    bounce_sender: TEXT,
    reporting_mta: TEXT,
    tries: about(NUMBER, 'Calls of SES, whatever came of them.'),
    unknown_tries: about(NUMBER, 'Of these, calls that may or may not have been carried out.'),
    interruptions: about(NUMBER, 'Of these, calls that ended with their dispatcher.'),
    recipients: {
      type: 'array',
      items: object(
        {
          address: TEXT,
          type: { enum: BOUNCE_TYPES },
          status: TEXT,
          diagnostic: TEXT,
          rule: about(TEXT, 'The rule that bounced it; "[api]": it was submitted here.'),
          added_at: TIME,
        },
        {
          is_unconfirmed: about(
            { const: true },
            'Nothing in the mail confirms that SES had this recipient. SES may refuse the bounce.',
          ),
        },
      ),
    },
  },
  {
    reason: about(TEXT, 'Why it is in its state.'),
    bounce_sender_arn: TEXT,
    explanation: TEXT,
    message_id: about(TEXT, "SES's id of the bounce."),
    mails: about(
      { type: 'array', items: TEXT },
      'Of one bounce only: the files that hold the raw mail, until SES has made all its bounces.',
    ),
    not_before: about(TIME, 'No try before this.'),
    history: {
      type: 'array',
      description: 'Oldest first.',
      items: object({ at: TIME, what: TEXT, detail: TEXT }),
    },
  },
)

export const succeeded = (data: object) => object({ success: { const: true }, data })

const LEVELS = ['stopped', 'degraded', 'note']
/** A time with milliseconds, unlike the times of bounces. */
const EXACT_TIME = { type: 'string', format: 'date-time' }

export const HEALTH = object({
  verdict: about(TEXT, 'One line, as the status page and queue stats have it.'),
  state: { enum: VERDICT_STATES },
  is_sending: about({ type: 'boolean' }, 'Bounces of every lane go out.'),
  at: EXACT_TIME,
  reasons: {
    type: 'array',
    description: 'The worst first.',
    items: object(
      {
        kind: { enum: REASON_KINDS },
        level: { enum: LEVELS },
        stops: about({ type: 'boolean' }, "Bounces don't go out because of it."),
        text: TEXT,
      },
      { lane: about(TEXT, 'Without it: every lane.'), since: EXACT_TIME, next_try: EXACT_TIME },
    ),
  },
  lanes: { type: 'array', items: object({ lane: TEXT, is_sending: { type: 'boolean' } }) },
})

export const ENVELOPES = {
  Scheduled: succeeded(
    object({
      id: about(TEXT, "Of the first recipient's bounce."),
      created_at: TIME,
      recipients: {
        type: 'array',
        description: 'In the order of the request. Recipients for whom all is the same share a bounce.',
        items: object({
          address: TEXT,
          id: TEXT,
          created_at: TIME,
          outcome: about(
            { enum: ['added', 'joined', 'known'] },
            'added: a new bounce; joined: shares one that waits already; known: was taken before.',
          ),
          state: { enum: JOB_STATES },
        }),
      },
    }),
  ),
  One: succeeded(ref('Bounce')),
  Page: succeeded(
    object({
      bounces: { type: 'array', items: ref('Bounce') },
      next_cursor: about(
        { type: ['string', 'null'] },
        'Where the next page begins; null: this is the last. A page may hold fewer than asked, even none, and have a next one.',
      ),
    }),
  ),
  Failure: object({
    success: { const: false },
    error: object(
      { code: { enum: FAULT_CODES }, message: TEXT },
      { details: { type: 'array', items: object({ field: TEXT, message: TEXT }) } },
    ),
  }),
}
