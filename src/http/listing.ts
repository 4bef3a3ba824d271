// Reads the query of GET /v1/bounces: filters, limit and cursor. Reports all errors at once. An unknown parameter is an
// error, as it may be a mistyped filter.

import { didYouMean, validAre } from '../config/diagnostics'
import { shortened } from '../config/escape'
import { JOB_STATES } from '../queue/job'
import type { JobQuery } from '../queue/operator'
import { type Detail, Fault, MOST_DETAILS } from './reply'

export const LIST_PARAMETERS = [
  'state',
  'region',
  'sender',
  'recipient',
  'rule',
  'ses_id',
  'limit',
  'cursor',
] as const

export const STANDARD_LIMIT = 50
export const MOST_LISTED = 200
/** Longer than any value that could be found. */
const LONGEST_VALUE = 1000

/** @throws Fault */
export function readListing(query: URLSearchParams): JobQuery & { limit: number } {
  const details: Detail[] = []
  const fault = (field: string, message: string) => void details.push({ field: shortened(field), message })
  for (const name of new Set(query.keys())) {
    if (details.length >= MOST_DETAILS) break
    const values = query.getAll(name)
    if (!LIST_PARAMETERS.some(known => known === name))
      fault(
        name,
        `there is no such parameter${didYouMean(name, LIST_PARAMETERS) || validAre(LIST_PARAMETERS)}`,
      )
    else if (values.length > 1) fault(name, 'may stand once only')
    else if (values[0] === '') fault(name, 'is empty')
    else if ((values[0] ?? '').length > LONGEST_VALUE) fault(name, 'is too long')
  }
  const text = (name: (typeof LIST_PARAMETERS)[number]) => query.get(name) ?? undefined
  const state = JOB_STATES.find(one => one === text('state'))
  if (text('state') !== undefined && state === undefined)
    fault('state', `must be one of ${JOB_STATES.join(', ')}`)
  const limit = text('limit') === undefined ? STANDARD_LIMIT : wholeNumber(text('limit'))
  if (limit === undefined || limit < 1 || limit > MOST_LISTED)
    fault('limit', `must be a number from 1 to ${MOST_LISTED}`)
  const cursor = text('cursor')
  const before = cursor === undefined ? undefined : fromCursor(cursor)
  if (cursor !== undefined && before === undefined) fault('cursor', 'is none that was given out')
  if (details.length > 0 || limit === undefined)
    throw new Fault(400, 'VALIDATION_ERROR', 'the query has faults', { details })
  const [region, sender, recipient, rule, sesId] = (
    ['region', 'sender', 'recipient', 'rule', 'ses_id'] as const
  ).map(text)
  return {
    limit,
    ...(before !== undefined && { before }),
    ...(state !== undefined && { states: [state] }),
    ...(region !== undefined && { region }),
    ...(sender !== undefined && { sender }),
    ...(recipient !== undefined && { recipient }),
    ...(rule !== undefined && { rule }),
    ...(sesId !== undefined && { sesId }),
  }
}

/** An opaque text for clients. */
export function toCursor(before: number): string {
  return Buffer.from(String(before)).toString('base64url')
}

function fromCursor(cursor: string): number | undefined {
  return wholeNumber(Buffer.from(cursor, 'base64url').toString('latin1'))
}

function wholeNumber(text = ''): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
