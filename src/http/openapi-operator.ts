// The audit and the flush in the API's description. Plain data.

import { AUDIT_ACTIONS, AUDIT_WAYS } from '../queue/audit'
import { about, NUMBER, object, ref, succeeded, TEXT, TIME } from './openapi-schemas'
import { AUDIT_PARAMETERS, FLUSH } from './operator-input'
import { MOST_LISTED, STANDARD_LIMIT } from './parameters'

const PARAMETER_TEXTS: Record<(typeof AUDIT_PARAMETERS)[number], string> = {
  action: 'What was done.',
  who: 'A part of the name of a user or of a token, in any case.',
  via: 'A command, the API, or the status page.',
  since: 'Then or later.',
  until: 'Before then.',
  limit: `How many at most; ${STANDARD_LIMIT} if it isn't given.`,
  cursor: 'The next_cursor of the page before.',
}

const TIME_PARAMETER = { type: 'string', format: 'date-time' }

const PARAMETER_SCHEMAS: Partial<Record<(typeof AUDIT_PARAMETERS)[number], object>> = {
  action: { type: 'string', enum: AUDIT_ACTIONS },
  via: { type: 'string', enum: AUDIT_WAYS },
  since: TIME_PARAMETER,
  until: TIME_PARAMETER,
  limit: { type: 'integer', minimum: 1, maximum: MOST_LISTED },
}

type Answers = (success: object, ...faults: number[]) => object
type Answer = (description: string, schema: string) => object

/** `at`, `answer`: as for the other paths. */
export function operatorPaths(at: Answers, answer: Answer): Record<string, object> {
  return {
    '/v1/audit': {
      get: {
        operationId: 'listAudit',
        summary: 'What people did by hand, latest first.',
        parameters: AUDIT_PARAMETERS.map(name => ({
          name,
          in: 'query',
          description: PARAMETER_TEXTS[name],
          schema: PARAMETER_SCHEMAS[name] ?? { type: 'string' },
        })),
        responses: at({ 200: answer('A page of it.', 'AuditPage') }, 400),
      },
    },
    '/v1/flush': {
      post: {
        operationId: 'flush',
        summary: 'Have waiting jobs tried now, not after their pause.',
        requestBody: { required: true, content: { 'application/json': { schema: ref('Flush') } } },
        responses: at({ 200: answer('So many are tried now.', 'Flushed') }, 400, 403, 408, 413, 415),
      },
    },
  }
}

const ENTRY = object(
  {
    id: TEXT,
    at: TIME,
    who: about(TEXT, 'A user of the system, or the name of a token.'),
    via: { enum: AUDIT_WAYS },
    host: TEXT,
    action: { enum: AUDIT_ACTIONS },
    target: about(TEXT, 'What it was done to: ids, a filter, a region.'),
    count: about(NUMBER, 'The jobs, mails or pauses that were changed.'),
  },
  { reason: about(TEXT, 'In their own words.') },
)

export const OPERATOR_SCHEMAS = {
  Flush: FLUSH,
  Flushed: succeeded(
    object({
      jobs: about(NUMBER, 'Jobs that are tried now.'),
      refused: about(NUMBER, 'Senders and regions that SES refuses, and that are tried now.'),
      is_done: about({ type: 'boolean' }, 'False: more jobs wait; ask again.'),
    }),
  ),
  AuditPage: succeeded(
    object({
      entries: { type: 'array', items: ENTRY },
      next_cursor: about(
        { type: ['string', 'null'] },
        'Where the next page begins; null: this is the last. A page may hold fewer than asked, even none, and have a next one.',
      ),
    }),
  ),
}
