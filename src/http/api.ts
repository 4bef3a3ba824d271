// The bounce API: submits bounces by hand, and shows the state of every bounce. docs/api.md explains it.
// A submission is completely on disk before it is answered with 202. Any answer other than 2xx has changed nothing.

import { createHash } from 'node:crypto'
import os from 'node:os'
import { iso, jobJson, jobRecordJson } from '../app/job-json'
import { logLine } from '../app/log-line'
import { changeJob } from '../app/operator-actions'
import { forecast, submit } from '../app/submit'
import { findMail } from '../quarantine/find-mail'
import { type Actor, auditDraft } from '../queue/audit'
import type { Submitted } from '../queue/job'
import type { IdempotencyRecord } from '../queue/store'
import { jsonBody } from './body'
import { readBounceInput } from './bounce-input'
import { readListing, toCursor } from './listing'
import { OPENAPI } from './openapi'
import { noParameters, reasonIn } from './parameters'
import { Fault, idle, json, type Reply, success } from './reply'
import type { Request } from './request'
import type { Route } from './router'
import { type HttpContext, operatorContext } from './routes'
import { API_RULE, faultOf, mustBeAdmitted, requestsOf } from './schedule'

/** The form of an Idempotency-Key, which the client chooses for one submission. */
const KEY = /^[!-~]{1,255}$/

export function apiRoutes(context: HttpContext): Route[] {
  const route = (method: Route['method'], path: string, answer: Route['answer']): Route => ({
    method,
    path,
    access: method === 'GET' ? 'read' : 'operate',
    answer,
  })
  return [
    { ...route('GET', '/v1/openapi.json', () => json(200, OPENAPI)), access: 'open' },
    route('GET', '/v1/bounces', request => list(request, context)),
    route('POST', '/v1/bounces', request => schedule(request, context)),
    route('GET', '/v1/bounces/:id', request => show(request, context)),
    route('DELETE', '/v1/bounces/:id', request => cancel(request, context)),
  ]
}

function actorOf({ token }: Request, { host }: HttpContext): Actor {
  return { who: token?.name ?? '', via: 'api', host: host ?? os.hostname() }
}

async function schedule(request: Request, context: HttpContext): Promise<Reply> {
  noParameters(request.query)
  const key = readKey(request.headers['idempotency-key'])
  const { value, bytes } = await jsonBody(request)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const activeConfig = context.activeConfig()
  if (activeConfig.idle) throw idle()
  const queue = await context.queue()
  const nowMs = context.nowMs()
  const earlier = key === undefined ? undefined : (await queue.look({ idempotencyKey: key, nowMs })).record
  // checked first, as a bounce that was in time then may be late now
  if (earlier !== undefined) return sameAnswer(earlier, digest)
  const now = { ms: nowMs, monoMs: context.nowMonoMs() }
  const read = readBounceInput(value, { regions: activeConfig.policy.regions, nowMs })
  if ('fault' in read)
    throw new Fault(400, 'VALIDATION_ERROR', 'the body has faults', { details: read.fault })
  const requests = requestsOf(read.value, activeConfig, nowMs)
  await mustBeAdmitted(requests, queue, activeConfig, now)
  const results = await submit(requests, queue, {
    nowMs,
    forecast: forecast(activeConfig.settings, now.monoMs),
    ...(key !== undefined && { record: { key, digest } }),
    audit: auditDraft(actorOf(request, context), 'submit', {
      target: `mail ${read.value.sesId}`,
      atMs: nowMs,
    }),
  })
  // another request with the key came first
  const faster =
    results.length > 0 || key === undefined
      ? undefined
      : (await queue.look({ idempotencyKey: key, nowMs })).record
  if (faster !== undefined) return sameAnswer(faster, digest)
  if (results.length === 0) throw new Error('the answer to this Idempotency-Key was forgotten meanwhile')
  const fault = requests.map((request, index) => faultOf(results[index], request)).find(one => one)
  if (fault !== undefined) throw fault
  noteSubmitted(read.value, results, context)
  return replyTo(results)
}

function noteSubmitted(
  { sesId, sender }: { sesId: string; sender: string },
  results: readonly Submitted[],
  context: HttpContext,
): void {
  for (const { outcome, address, jobId } of results) {
    const said = { recipient: address, sender, ses_id: sesId }
    context.log('notice', logLine({ rule: API_RULE, ...said, job: jobId, bounce: outcome }))
    if (outcome !== 'known') context.submitted({ rule: API_RULE, sesId, sender, recipient: address })
  }
  if (results.some(({ outcome }) => outcome !== 'known')) context.wake()
}

function replyTo(added: readonly Submitted[], headers: Record<string, string> = {}): Reply {
  const [first] = added
  const data = {
    id: first?.jobId,
    created_at: iso(first?.createdAtMs ?? 0),
    recipients: added.map(({ address, jobId, outcome, state, createdAtMs }) => ({
      address,
      id: jobId,
      created_at: iso(createdAtMs ?? 0),
      outcome,
      state,
    })),
  }
  const isNew = added.some(({ outcome }) => outcome !== 'known')
  return success(isNew ? 202 : 200, data, headers)
}

function sameAnswer({ digest, results }: IdempotencyRecord, asked: string): Reply {
  if (digest === asked) return replyTo(results, { 'Idempotency-Replayed': 'true' })
  throw new Fault(409, 'IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was given with another body before')
}

function readKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined || (typeof header === 'string' && KEY.test(header))) return header
  const message = 'must be 1 to 255 printable ASCII characters without blanks'
  throw new Fault(400, 'VALIDATION_ERROR', `the header Idempotency-Key ${message}`, {
    details: [{ field: 'Idempotency-Key', message }],
  })
}

async function list({ query }: Request, context: HttpContext): Promise<Reply> {
  const filter = readListing(query)
  const { jobs, next } = await (await context.operator()).page(filter)
  return success(200, {
    bounces: jobs.map(jobJson),
    next_cursor: next === undefined ? null : toCursor(next),
  })
}

async function show({ params, query }: Request, context: HttpContext): Promise<Reply> {
  noParameters(query)
  return success(200, await whole(params['id'] ?? '', context))
}

async function cancel({ params, query, token }: Request, context: HttpContext): Promise<Reply> {
  const id = params['id'] ?? ''
  const by = { rule: API_RULE, who: token?.name ?? '', via: 'api', ...reasonIn(query) } as const
  const done = await changeJob(await operatorContext(context, by), 'cancel', id)
  const job = await whole(id, context)
  // a repeated request gets the same answer
  if ('fault' in done && job['state'] !== 'cancelled') throw new Fault(409, 'NOT_CANCELLABLE', done.fault)
  return success(200, job)
}

/** @throws Fault */
async function whole(id: string, context: HttpContext): Promise<Record<string, unknown>> {
  const operator = await context.operator()
  const job = await operator.job(id)
  if (job === undefined) throw new Fault(404, 'NOT_FOUND', 'there is no bounce of that id')
  return jobRecordJson(job, await operator.history(id), await findMail(job, context.mailStore))
}
