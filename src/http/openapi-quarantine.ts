// The quarantine in the API's description. Plain data.

import { QUARANTINE_REASONS } from '../quarantine/reasons'
import { about, NUMBER, object, ref, succeeded, TEXT } from './openapi-schemas'
import { MOST_LISTED, STANDARD_LIMIT } from './parameters'
import { QUARANTINE_PARAMETERS } from './quarantine-query'

const PARAMETER_TEXTS: Record<(typeof QUARANTINE_PARAMETERS)[number], string> = {
  reason: 'Why it is there, for one of its recipients.',
  rule: 'The rule for one of its recipients.',
  sender: 'The sender of record: an address, or "@host" for all at a host.',
  recipient: 'A recipient that it is held for: an address, or "@host".',
  since: 'Quarantined then or later.',
  until: 'Quarantined before then.',
  limit: `How many at most; ${STANDARD_LIMIT} if it isn't given.`,
  cursor: 'The next_cursor of the page before.',
}

const TIME_PARAMETER = { type: 'string', format: 'date-time' }

const PARAMETER_SCHEMAS: Partial<Record<(typeof QUARANTINE_PARAMETERS)[number], object>> = {
  reason: { type: 'string', enum: QUARANTINE_REASONS },
  since: TIME_PARAMETER,
  until: TIME_PARAMETER,
  limit: { type: 'integer', minimum: 1, maximum: MOST_LISTED },
}

const ID = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of a mail in the quarantine.',
  schema: { type: 'string' },
}

export const REASON = {
  name: 'reason',
  in: 'query',
  description: 'Why, in your own words, for the audit.',
  schema: { type: 'string', maxLength: 1000 },
}

type Answers = (success: object, ...faults: number[]) => object
type Answer = (description: string, schema: string) => object

/** `at`, `answer`: as for the other paths. */
export function quarantinePaths(at: Answers, answer: Answer): Record<string, object> {
  return {
    '/v1/quarantine': {
      get: {
        operationId: 'listQuarantine',
        summary: 'Mail in the quarantine, latest first.',
        parameters: QUARANTINE_PARAMETERS.map(name => ({
          name,
          in: 'query',
          description: PARAMETER_TEXTS[name],
          schema: PARAMETER_SCHEMAS[name] ?? { type: 'string' },
        })),
        responses: at({ 200: answer('A page of it.', 'QuarantinePage') }, 400),
      },
    },
    '/v1/quarantine/{id}': {
      parameters: [ID],
      get: {
        operationId: 'getQuarantined',
        summary: 'A mail, with its text.',
        responses: at({ 200: answer('The mail.', 'QuarantineOne') }, 400, 404),
      },
      delete: {
        operationId: 'deleteQuarantined',
        summary: 'Delete a mail for good.',
        parameters: [REASON],
        responses: at({ 200: answer('It is deleted.', 'QuarantineDeleted') }, 400, 403, 404),
      },
    },
    '/v1/quarantine/{id}/release': {
      parameters: [ID],
      post: {
        operationId: 'releaseQuarantined',
        summary: 'Deliver a mail to this Haraka without the rules, and delete it.',
        parameters: [REASON],
        responses: at({ 200: answer('Haraka has accepted it.', 'QuarantineReleased') }, 400, 403, 404, 409),
      },
    },
  }
}

const STORED = object({ bytes: NUMBER, mails: NUMBER })
/** A time with milliseconds, unlike the times of bounces. */
const EXACT_TIME = { type: 'string', format: 'date-time' }

const REFUSED = about(
  { type: 'object' },
  'What another plugin, or a server behind Haraka, has answered for the recipient.',
)

const MAIL = {
  id: TEXT,
  file: about(TEXT, 'Where the raw mail is: a path, or s3://...'),
  size_bytes: NUMBER,
  quarantined_at: EXACT_TIME,
}

/** Members that are missing if the mail's record can't be read. */
const RECORD = {
  subject: TEXT,
  sender: about(TEXT, 'The sender of record.'),
  envelope: about(
    object({ sender: TEXT, recipients: { type: 'array', items: TEXT }, relay_ip: TEXT }),
    'As the relay gave it.',
  ),
  held: {
    type: 'array',
    description: 'The recipients that it is held for, and why.',
    items: object(
      { recipient: TEXT, rule: TEXT, reason: TEXT },
      { job: about(TEXT, 'The bounce that was not made.'), refused: REFUSED },
    ),
  },
}

const PREVIEW = object(
  {
    header: { type: 'array', items: object({ name: TEXT, value: TEXT }) },
    texts: about(
      { type: 'array', items: TEXT },
      'The text of all plain parts, and that of all HTML parts. Without invisible characters. The sender wrote it: never show it as HTML.',
    ),
    attachments: {
      type: 'array',
      items: object({
        names: { type: 'array', items: TEXT },
        types: { type: 'array', items: TEXT },
        size_bytes: NUMBER,
      }),
    },
    is_cut: about({ type: 'boolean' }, 'The mail has more than that.'),
  },
  { fault: about(TEXT, 'Why there is no text.') },
)

const NOTES = {
  stays: about(TEXT, 'Why the mail, or a copy of it, is still there.'),
  unwritten: about(TEXT, "What couldn't be written down."),
}

export const QUARANTINE_SCHEMAS = {
  Quarantined: object(MAIL, RECORD),
  QuarantinePage: succeeded(
    object({
      mails: { type: 'array', items: ref('Quarantined') },
      next_cursor: about(
        { type: ['string', 'null'] },
        'Where the next page begins; null: this is the last. A page may hold fewer than asked, even none, and have a next one.',
      ),
      total: object({
        limit_bytes: about(NUMBER, '[quarantine] limit'),
        kept: about(STORED, 'Mail that waits for its bounces.'),
        quarantine: STORED,
      }),
    }),
  ),
  QuarantineOne: succeeded(
    object(
      { ...MAIL, preview: PREVIEW },
      { ...RECORD, receipt: about({}, "SES's receipt, if there was one.") },
    ),
  ),
  QuarantineDeleted: succeeded(object({ id: TEXT }, NOTES)),
  QuarantineReleased: succeeded(object({ id: TEXT, released_to: { type: 'array', items: TEXT } }, NOTES)),
}
