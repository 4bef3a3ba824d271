// The API's description in OpenAPI 3.1, which the API serves. Plain data; tests check every answer with it.

import { JOB_STATES } from '../queue/job'
import { BOUNCE_SUBMISSION } from './bounce-schema'
import { LIST_PARAMETERS, MOST_LISTED, STANDARD_LIMIT } from './listing'
import { OPERATOR_SCHEMAS, operatorPaths } from './openapi-operator'
import { QUARANTINE_SCHEMAS, quarantinePaths, REASON } from './openapi-quarantine'
import { BOUNCE, ENVELOPES, HEALTH, ref } from './openapi-schemas'

const PARAMETER_TEXTS: Record<(typeof LIST_PARAMETERS)[number], string> = {
  state: 'The state of the bounce.',
  region: 'The AWS region that received the mail; with several accounts ACCOUNT/REGION.',
  sender: 'The sender of record: an address, or "@host" for all at a host.',
  recipient: 'The address of one of the recipients.',
  rule: 'The rule that bounced one of the recipients; "[api]" for bounces that were submitted here.',
  ses_id: 'The id that SES gave the mail: original_message_id.',
  reason: 'A part of the reason for the state, in any case.',
  since: 'The last change was then or later.',
  until: 'The last change was before then.',
  limit: `How many at most; ${STANDARD_LIMIT} if it isn't given.`,
  cursor: 'The next_cursor of the page before.',
}

const PARAMETER_SCHEMAS: Partial<Record<(typeof LIST_PARAMETERS)[number], object>> = {
  state: { type: 'string', enum: JOB_STATES },
  limit: { type: 'integer', minimum: 1, maximum: MOST_LISTED },
}

const ID = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of a bounce.',
  schema: { type: 'string' },
}

const KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key with the same body gets the first answer again, and nothing is scheduled twice.',
  schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
}

const REPLAYED = {
  'Idempotency-Replayed': {
    description: 'It is the first answer, as the key was given before.',
    schema: { const: 'true' },
  },
}

const FAULTS: Record<number, string> = {
  400: 'The request has faults, each with its field.',
  401: 'The token is missing or wrong, or the API is off.',
  403: 'The token may only read.',
  404: 'There is no such thing.',
  405: 'Another method is used here; the header Allow has those that are.',
  408: "The body didn't come in time.",
  409: 'It conflicts with what there is: the code says how.',
  413: 'The body is too large.',
  415: "The body isn't JSON.",
  429: 'The sender, or their domain, has had enough bounces.',
  500: 'A fault of the server.',
  503: "It can't be done now: the queue is too long for the deadline, locked, or without a dispatcher.",
}

const HEADERS: Record<number, Record<string, object>> = {
  401: { 'WWW-Authenticate': { schema: { type: 'string' } } },
  405: { Allow: { description: 'Methods that are used here.', schema: { type: 'string' } } },
  429: { 'Retry-After': { description: 'In seconds.', schema: { type: 'integer' } } },
  503: {
    'Retry-After': { description: 'In seconds, where waiting helps.', schema: { type: 'integer' } },
  },
}

const at = (success: object, ...faults: number[]) => ({
  ...success,
  ...Object.fromEntries(
    [401, 405, 500, 503, ...faults].map(status => [
      status,
      {
        description: FAULTS[status],
        content: { 'application/json': { schema: ref('Failure') } },
        ...(HEADERS[status] && { headers: HEADERS[status] }),
      },
    ]),
  ),
})

const answer = (description: string, schema: string) => ({
  description,
  content: { 'application/json': { schema: ref(schema) } },
})

export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'haraka-plugin-ses-bounce',
    version: '1',
    description:
      'Bounces through Amazon SES: scheduled by hand, and what became of each; and mail in the quarantine.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/ses-bounce' }],
  security: [{ token: [] }],
  paths: {
    '/v1/bounces': {
      post: {
        operationId: 'scheduleBounce',
        summary: 'Schedule a bounce, for one mail.',
        parameters: [KEY],
        requestBody: { required: true, content: { 'application/json': { schema: ref('BounceSubmission') } } },
        responses: at(
          {
            200: {
              ...answer('All recipients were taken before; nothing is added.', 'Scheduled'),
              headers: REPLAYED,
            },
            202: { ...answer('It is in the queue.', 'Scheduled'), headers: REPLAYED },
          },
          400,
          403,
          408,
          409,
          413,
          415,
          429,
        ),
      },
      get: {
        operationId: 'listBounces',
        summary: 'Bounces, newest first.',
        parameters: LIST_PARAMETERS.map(name => ({
          name,
          in: 'query',
          description: PARAMETER_TEXTS[name],
          schema: PARAMETER_SCHEMAS[name] ?? { type: 'string' },
        })),
        responses: at({ 200: answer('A page of them.', 'Page') }, 400),
      },
    },
    '/v1/bounces/{id}': {
      parameters: [ID],
      get: {
        operationId: 'getBounce',
        summary: 'A bounce, with its history.',
        responses: at({ 200: answer('The bounce.', 'One') }, 400, 404),
      },
      delete: {
        operationId: 'cancelBounce',
        summary: 'Cancel a bounce that is queued or held.',
        parameters: [REASON],
        responses: at({ 200: answer('It is cancelled.', 'One') }, 400, 403, 404, 409),
      },
    },
    ...operatorPaths(at, answer),
    ...quarantinePaths(at, answer),
    '/health': {
      get: {
        operationId: 'health',
        summary: 'Whether mail can be accepted; for everyone.',
        security: [],
        responses: {
          200: answer('It can, also while SES is down.', 'Health'),
          503: answer("The queue can't be used.", 'Health'),
        },
      },
    },
    '/health/sending': {
      get: {
        operationId: 'healthOfSending',
        summary: 'Whether bounces go out; for everyone.',
        security: [],
        responses: {
          200: answer('They do, in every lane.', 'Health'),
          503: answer("In one lane at least they don't.", 'Health'),
        },
      },
    },
    '/v1/openapi.json': {
      get: {
        operationId: 'describe',
        summary: 'This description.',
        security: [],
        responses: {
          200: { description: 'OpenAPI.', content: { 'application/json': { schema: { type: 'object' } } } },
        },
      },
    },
  },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    schemas: {
      BounceSubmission: BOUNCE_SUBMISSION,
      Bounce: BOUNCE,
      Health: HEALTH,
      ...ENVELOPES,
      ...OPERATOR_SCHEMAS,
      ...QUARANTINE_SCHEMAS,
    },
  },
}
