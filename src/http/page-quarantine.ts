// The quarantine on the status page: handlers of its list, of a mail, and of release and delete by plain forms.

import { NOT_THERE } from '../app/quarantine-actions'
import { readKept } from '../quarantine/kept'
import { previewOf } from '../quarantine/read-preview'
import { html } from './html'
import { formOf, fromOurPage, seeOther } from './page-actions'
import { ofOperator, ofTrusted } from './page-auth'
import { page, type View } from './page-layout'
import { type Filters, quarantinedMain, quarantineMain } from './page-quarantine-view'
import { deleteByHand, ofStore, quarantineList, releaseByHand } from './quarantine-api'
import { readQuarantineListing } from './quarantine-query'
import type { Reply } from './reply'
import type { Request } from './request'
import type { Route } from './router'
import type { HttpContext } from './routes'

const FILTERS = ['reason', 'rule', 'sender', 'recipient', 'since', 'until'] as const
const DAY_MS = 86_400_000

export function quarantinePageRoutes(context: HttpContext): Route[] {
  const route = (
    method: 'GET' | 'POST',
    path: string,
    answer: (request: Request) => Promise<Reply>,
  ): Route => ({
    method,
    path: `/quarantine${path}`,
    access: 'open',
    answer: request => ofStore(context, () => answer(request)),
  })
  return [
    route('GET', '', request => ofTrusted(request, context, view => list(request, view, context))),
    route('GET', '/:id', request =>
      ofTrusted(request, context, view => mailReply(200, idOf(request), view, context)),
    ),
    route('POST', '/:id/release', async request =>
      fromOurPage(request, () => act(request, 'release', context)),
    ),
    route('POST', '/:id/delete', async request =>
      fromOurPage(request, () => act(request, 'delete', context)),
    ),
  ]
}

/** Reading the mails costs more than the queue's numbers, so these pages don't renew themselves. */
const STILL = { isStill: true }

async function list({ query }: Request, view: View, context: HttpContext): Promise<Reply> {
  const filters = Object.fromEntries(FILTERS.map(name => [name, (query.get(name) ?? '').trim()])) as Filters
  const { mails, next, totalText } = await quarantineList(readQuarantineListing(asked(query)), context)
  const nextQuery = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''))
  if (next !== undefined) nextQuery.set('cursor', next)
  const main = quarantineMain(view, filters, {
    mails,
    next: next === undefined ? undefined : nextQuery.toString(),
    total: totalText,
  })
  return page(200, view, { title: 'Quarantine', main, ...STILL })
}

/** A form sends empty fields, and days in place of times. */
function asked(query: URLSearchParams): URLSearchParams {
  const given = new URLSearchParams()
  for (const [name, value] of query) {
    const text = value.trim()
    if (text !== '') given.append(name, asTime(name, text))
  }
  return given
}

/** The day of `until` is a part of the range. */
function asTime(name: string, text: string): string {
  const dayMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if ((name !== 'since' && name !== 'until') || Number.isNaN(dayMs)) return text
  return new Date(name === 'until' ? dayMs + DAY_MS : dayMs).toISOString()
}

async function mailReply(
  status: number,
  id: string,
  view: View,
  context: HttpContext,
  said?: string,
): Promise<Reply> {
  const kept = await readKept(context.mailStore, id)
  if (kept === undefined) return notThere(view)
  const preview = await previewOf(context.mailStore, kept, context.threads)
  return page(status, view, {
    title: 'Mail in quarantine',
    main: quarantinedMain(view, kept, preview, said),
    ...STILL,
  })
}

function notThere(view: View): Reply {
  const main = html`<section><h1>There is no such mail in the quarantine</h1><p>It was released or deleted, or <code>[quarantine] keep</code> has passed.</p></section>`
  return page(404, view, { title: 'No such mail', main, ...STILL })
}

function act(request: Request, what: 'release' | 'delete', context: HttpContext): Promise<Reply> {
  return ofOperator(request, context, async (view, who) => {
    const id = idOf(request)
    const reason = (await formOf(request))('reason')?.trim() ?? ''
    const by = { who, via: 'page', ...(reason !== '' && { reason }) } as const
    const done = await (what === 'release' ? releaseByHand : deleteByHand)(id, context, by)
    if ('value' in done) return seeOther('/quarantine')
    return done.fault === NOT_THERE ? notThere(view) : mailReply(409, id, view, context, done.fault)
  })
}

function idOf({ params }: Request): string {
  return params['id'] ?? ''
}
