// The API for operators: the audit, and a flush of the queue. docs/api.md explains it.

import { setTimeout as sleep } from 'node:timers/promises'
import { auditJson } from '../app/audit-json'
import { flushQueue, isKnownRegion } from '../app/operator-actions'
import { AUDIT_ACTIONS, AUDIT_WAYS, type AuditQuery } from '../queue/audit'
import { jsonBody } from './body'
import { FieldReader } from './field-reader'
import { AUDIT_PARAMETERS, FLUSH } from './operator-input'
import { noParameters, Parameters, toCursor, wholeNumber } from './parameters'
import { Fault, type Reply, success } from './reply'
import type { Request } from './request'
import type { Route } from './router'
import { type HttpContext, operatorContext } from './routes'
import { API_RULE } from './schedule'

/** The most transactions for one request, so that it is answered in some seconds. */
const MOST_TRANSACTIONS = 20

export function operatorRoutes(context: HttpContext): Route[] {
  return [
    { method: 'GET', path: '/v1/audit', access: 'read', answer: request => audit(request, context) },
    { method: 'POST', path: '/v1/flush', access: 'operate', answer: request => flush(request, context) },
  ]
}

async function audit({ query }: Request, context: HttpContext): Promise<Reply> {
  const operator = await context.operator()
  const { entries, next } = await operator.audit.page(auditQuery(query))
  return success(200, {
    entries: entries.map(auditJson),
    next_cursor: next === undefined ? null : toCursor(next),
  })
}

/** @throws Fault */
function auditQuery(query: URLSearchParams): AuditQuery {
  const given = new Parameters(query, AUDIT_PARAMETERS)
  const action = given.oneOf('action', AUDIT_ACTIONS)
  const via = given.oneOf('via', AUDIT_WAYS)
  const who = given.text('who')
  const sinceMs = given.time('since')
  const untilMs = given.time('until')
  const limit = given.limit('limit')
  const before = given.cursor('cursor', wholeNumber)
  given.end()
  return {
    limit,
    ...(before !== undefined && { before }),
    ...(action !== undefined && { action }),
    ...(via !== undefined && { via }),
    ...(who !== undefined && { who }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
  }
}

async function flush(request: Request, context: HttpContext): Promise<Reply> {
  noParameters(request.query)
  const { value } = await jsonBody(request)
  const reader = new FieldReader(value, FLUSH)
  const region = reader.text('region', text => ({ value: text }))
  const reason = reader.text('reason', text => ({ value: text }))
  const by = { rule: API_RULE, who: request.token?.name ?? '', via: 'api' } as const
  const operator = await operatorContext(context, { ...by, ...(reason !== undefined && { reason }) })
  if (region !== undefined && !(await isKnownRegion(operator, region)))
    reader.fault('region', 'there is no such region in the queue')
  if (reader.details.length > 0)
    throw new Fault(400, 'VALIDATION_ERROR', 'the body has faults', { details: reader.details })
  const { jobs, lifted, isDone } = await flushQueue(operator, region, {
    nowMs: () => context.nowMs(),
    sleep: ms => sleep(ms),
    most: MOST_TRANSACTIONS,
  })
  return success(200, { jobs, refused: lifted, is_done: isDone })
}
