// Reads the query of GET /v1/bounces.

import { JOB_STATES } from '../queue/job'
import type { JobQuery } from '../queue/operator'
import { Parameters, wholeNumber } from './parameters'

export { MOST_LISTED, STANDARD_LIMIT, toCursor } from './parameters'

export const LIST_PARAMETERS = [
  'state',
  'region',
  'sender',
  'recipient',
  'rule',
  'ses_id',
  'reason',
  'since',
  'until',
  'limit',
  'cursor',
] as const

/** @throws Fault */
export function readListing(query: URLSearchParams): JobQuery & { limit: number } {
  const given = new Parameters(query, LIST_PARAMETERS)
  const state = given.oneOf('state', JOB_STATES)
  const sinceMs = given.time('since')
  const untilMs = given.time('until')
  const limit = given.limit('limit')
  const before = given.cursor('cursor', wholeNumber)
  given.end()
  const [region, sender, recipient, rule, sesId, reason] = (
    ['region', 'sender', 'recipient', 'rule', 'ses_id', 'reason'] as const
  ).map(name => given.text(name))
  return {
    limit,
    ...(before !== undefined && { before }),
    ...(state !== undefined && { states: [state] }),
    ...(region !== undefined && { region }),
    ...(sender !== undefined && { sender }),
    ...(recipient !== undefined && { recipient }),
    ...(rule !== undefined && { rule }),
    ...(sesId !== undefined && { sesId }),
    ...(reason !== undefined && { reason }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
  }
}
