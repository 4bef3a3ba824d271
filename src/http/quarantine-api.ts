// The quarantine in the API: list, one mail with a preview, release, delete. docs/api.md explains it.

import os from 'node:os'
import { keptJson } from '../app/kept-json'
import { logLine } from '../app/log-line'
import {
  deleteMail,
  NOT_THERE,
  type QuarantineContext,
  releaseMail,
  type TakenAway,
} from '../app/quarantine-actions'
import { escapeControls, shortened } from '../config/escape'
import { errorMessage, QueueError } from '../errors'
import { snakeKeys } from '../json'
import { type Kept, readKept } from '../quarantine/kept'
import { pageOfQuarantine } from '../quarantine/list'
import { previewOf, subjectOf } from '../quarantine/read-preview'
import { mailTotalData, mailTotalText } from '../quarantine/total-text'
import type { AuditWay } from '../queue/audit'
import { noParameters, reasonIn } from './parameters'
import { positionCursor, type QuarantineListing, readQuarantineListing } from './quarantine-query'
import { Fault, type Reply, success } from './reply'
import type { Request } from './request'
import type { Route } from './router'
import type { HttpContext } from './routes'

export function quarantineRoutes(context: HttpContext): Route[] {
  const route = (method: Route['method'], path: string, answer: Route['answer']): Route => ({
    method,
    path: `/v1/quarantine${path}`,
    access: method === 'GET' ? 'read' : 'operate',
    answer: request => ofStore(context, async () => answer(request)),
  })
  return [
    route('GET', '', ({ query }) => list(readQuarantineListing(query), context)),
    route('GET', '/:id', request => show(request, context)),
    route('DELETE', '/:id', request => remove(request, context)),
    route('POST', '/:id/release', request => release(request, context)),
  ]
}

/** A fault of the disk or of S3 passes, as those of the queue do. */
export async function ofStore<T>(context: Pick<HttpContext, 'log'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Fault || error instanceof QueueError) throw error
    const text = escapeControls(shortened(errorMessage(error), LONGEST_FAULT))
    context.log('error', `quarantine: ${text}`)
    throw new Fault(503, 'UNAVAILABLE', "the store of the mail can't be used now; the log says more")
  }
}

/** The same as in mount.ts. */
const LONGEST_FAULT = 500

async function list(listing: QuarantineListing, context: HttpContext): Promise<Reply> {
  const { mails, next, totals } = await quarantineList(listing, context)
  return success(200, {
    mails: mails.map(({ kept, subject }) => snakeKeys(withoutReceipt(keptJson(kept, subject)))),
    next_cursor: next ?? null,
    total: snakeKeys(totals),
  })
}

export interface ListedMail {
  kept: Kept
  subject: string | undefined
}

export interface QuarantineListed {
  mails: ListedMail[]
  /** The cursor of the next page. */
  next: string | undefined
  totals: Record<string, unknown>
  /** The same in words. */
  totalText: string
}

/** A page of the quarantine's list, for the API and the status page. */
export async function quarantineList(
  { filter, limit, after }: QuarantineListing,
  context: HttpContext,
): Promise<QuarantineListed> {
  const { mailStore, threads } = context
  const operator = await context.operator()
  const page = await pageOfQuarantine(mailStore, range => operator.mail.latest(range), filter, {
    limit,
    ...(after && { after }),
  })
  const mails: ListedMail[] = []
  for (const kept of page.mails) mails.push({ kept, subject: await subjectOf(mailStore, kept, threads) })
  const { limitBytes } = context.activeConfig().settings.quarantine
  const totals = await operator.mailTotals()
  return {
    mails,
    next: page.next && positionCursor(page.next),
    totals: mailTotalData(totals, limitBytes),
    totalText: mailTotalText(totals, limitBytes),
  }
}

/** Leaves the receipt out of lists: it is long, and the answer for one mail has it. */
function withoutReceipt({ receipt: _receipt, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest
}

async function show({ params, query }: Request, context: HttpContext): Promise<Reply> {
  noParameters(query)
  const kept = await readKept(context.mailStore, params['id'] ?? '')
  if (kept === undefined) throw notThere()
  const preview = await previewOf(context.mailStore, kept, context.threads)
  const subject = preview.header.find(({ name }) => name === 'Subject')?.value
  return success(200, snakeKeys({ ...keptJson(kept, subject), preview }))
}

async function remove(request: Request, context: HttpContext): Promise<Reply> {
  const reason = reasonIn(request.query)
  const id = request.params['id'] ?? ''
  const who = request.token?.name ?? ''
  const done = await deleteByHand(id, context, { who, via: 'api', ...reason })
  if ('fault' in done) throw notThere()
  return success(200, { id, ...said(done.value) })
}

async function release(request: Request, context: HttpContext): Promise<Reply> {
  const reason = reasonIn(request.query)
  const id = request.params['id'] ?? ''
  const who = request.token?.name ?? ''
  const done = await releaseByHand(id, context, { who, via: 'api', ...reason })
  if ('fault' in done)
    throw done.fault === NOT_THERE ? notThere() : new Fault(409, 'NOT_RELEASED', done.fault)
  return success(200, { id, released_to: done.value.to, ...said(done.value) })
}

function said({ stays, unwritten }: TakenAway): Record<string, string> {
  return { ...(stays !== undefined && { stays }), ...(unwritten !== undefined && { unwritten }) }
}

function notThere(): Fault {
  return new Fault(404, 'NOT_FOUND', NOT_THERE)
}

/** The person with a token, and their reason. */
export interface ByHand {
  who: string
  via: Exclude<AuditWay, 'cli'>
  reason?: string
}

/** Deletes the mail, and logs it. @throws QueueError */
export async function deleteByHand(
  id: string,
  context: HttpContext,
  by: ByHand,
): ReturnType<typeof deleteMail> {
  const done = await deleteMail(await contextOf(context, by), id)
  if ('value' in done) note(context, by, { deleted: id }, done.value)
  return done
}

/** Releases the mail, and logs it. @throws QueueError */
export async function releaseByHand(
  id: string,
  context: HttpContext,
  by: ByHand,
): ReturnType<typeof releaseMail> {
  const endpoint = await context.smtpEndpoint()
  if (endpoint === undefined) return { fault: 'smtp.ini names no address that accepts mail without TLS' }
  const done = await releaseMail(await contextOf(context, by), id, endpoint)
  if ('value' in done) note(context, by, { released: id, to: done.value.to.join(',') }, done.value)
  return done
}

async function contextOf(context: HttpContext, { who, via, reason }: ByHand): Promise<QuarantineContext> {
  return {
    store: context.mailStore,
    tokens: await context.releaseTokens(),
    queue: await context.operator(),
    locks: context.releaseLocks,
    now: () => context.nowMs(),
    actor: { who, via, host: context.host ?? os.hostname() },
    ...(reason !== undefined && { reason }),
  }
}

function note(
  context: HttpContext,
  { who, via, reason }: ByHand,
  what: Record<string, string>,
  { stays, unwritten }: TakenAway,
): void {
  const line = logLine({ rule: `[${via}]`, ...what, by: who, reason, stays })
  context.log('notice', `quarantine: ${line}`)
  if (unwritten !== undefined) context.log('error', `quarantine: ${unwritten}`)
}
