// Decides whether a request is trusted: by the token in a header, or by a session that began with it.
// Other requests for private pages get a page that asks for the token.

import type { HttpToken } from '../config/http-tokens'
import { findMail } from '../quarantine/find-mail'
import type { Job } from '../queue/job'
import { html } from './html'
import { jobMain } from './page-job'
import { page, type View } from './page-layout'
import { type Session, sessionOf } from './page-session'
import type { Reply } from './reply'
import type { Request } from './request'
import type { HttpContext } from './routes'

export async function viewOf(request: Request, context: HttpContext): Promise<View> {
  const token = await tokenOfViewer(request, context)
  return {
    isTrusted: token !== undefined,
    mayOperate: token?.role === 'operate',
    hasToken: context.activeConfig().settings.http.tokens.length > 0,
    nowMs: context.nowMs(),
    ...(token && { token: token.name }),
  }
}

/** The token in the header, or the one that the session began with. @throws QueueError */
async function tokenOfViewer(request: Request, context: HttpContext): Promise<HttpToken | undefined> {
  return request.token ?? (await currentSession(request, context))?.token
}

/** @throws QueueError */
export function currentSession({ headers }: Request, context: HttpContext): Promise<Session | undefined> {
  return sessionOf(headers.cookie, context.nowMs(), {
    tokens: context.activeConfig().settings.http.tokens,
    secretOf: async () => (await context.operator()).secret(),
    isEnded: async id => (await context.operator()).isSessionEnded(id),
  })
}

/** Answers trusted requests. Others get a page that asks for the token. */
export async function ofTrusted(
  request: Request,
  context: HttpContext,
  answer: (view: View) => Reply | Promise<Reply>,
): Promise<Reply> {
  const view = await viewOf(request, context)
  return view.isTrusted ? answer(view) : tokenNeeded(view)
}

/** Answers requests of people who may change something. `who`: the name of their token. */
export function ofOperator(
  request: Request,
  context: HttpContext,
  answer: (view: View, who: string) => Reply | Promise<Reply>,
): Promise<Reply> {
  return ofTrusted(request, context, view => {
    if (view.mayOperate) return answer(view, view.token ?? '')
    const main = html`<section role="alert"><h1>This token may only read</h1><p>Sign out, and sign in with one that may operate.</p></section>`
    return page(403, view, { title: 'Read only', main })
  })
}

export function tokenNeeded(view: View, text = 'Sign in with the token to see and do this.'): Reply {
  const main = html`<section role="alert"><h1>Please sign in</h1><p>${text}</p></section>`
  // a Basic challenge would make the browser ask for a name and a password
  return page(401, view, { title: 'Token', main }, { 'WWW-Authenticate': 'Bearer realm="ses-bounce"' })
}

export function notFound(view: View): Reply {
  const main = html`<section><h1>There is no such job</h1><p>Jobs that ended are forgotten after some days.</p></section>`
  return page(404, view, { title: 'No such job', main })
}

export async function jobReply(
  status: number,
  view: View,
  job: Job,
  context: HttpContext,
  said?: string,
): Promise<Reply> {
  const history = await (await context.operator()).history(job.id)
  const record = { history, mails: await findMail(job, context.mailStore) }
  const main = jobMain(view, job, record, said)
  return page(status, view, { title: `Job ${job.id}`, main })
}
