// The actions of the page, by plain forms: sign in, sign out, change a job, pause and resume.
// They need the token, and a form of our own page. Each change is on disk and in the log before the answer.

import { changeJob, isKnownRegion, pauseSending, resumeSending } from '../app/operator-actions'
import { JOB_ACTIONS, type JobAction } from '../queue/operator'
import { currentSession, jobReply, notFound, ofOperator, tokenNeeded, viewOf } from './page-auth'
import { isFromOurPage, noCookie, sessionCookie } from './page-session'
import { plainText, type Reply } from './reply'
import type { Request } from './request'
import { ROOT, type Route } from './router'
import { type HttpContext, operatorContext } from './routes'
import { tokenOf } from './token'

/** The name in the log instead of a rule's. */
const PAGE_RULE = '[page]'
/** Longer than any token or region's name. */
const LONGEST_FIELD = 1000

export function actionRoutes(context: HttpContext): Route[] {
  const post = (path: string, answer: (request: Request) => Reply | Promise<Reply>): Route => ({
    method: 'POST',
    path,
    access: 'open',
    answer: request => fromOurPage(request, () => answer(request)),
  })
  return [
    post('/session', request => signIn(request, context)),
    post('/session/end', request => signOut(request, context)),
    ...JOB_ACTIONS.map(action =>
      post(`/jobs/:id/${action}`, request => changeFromPage(request, action, context)),
    ),
    post('/pause', request => pauseFromPage(request, pauseSending, context)),
    post('/resume', request => pauseFromPage(request, resumeSending, context)),
  ]
}

/** With the header the origin isn't checked, as a page of another site can't send it. */
export function fromOurPage<R>(request: Request, answer: () => R): R | Reply {
  return request.token !== undefined || isFromOurPage(request.headers) ? answer() : foreign()
}

function foreign(): Reply {
  return plainText(
    403,
    'this form must be sent from the status page itself: the header Origin or Sec-Fetch-Site is missing or names another site',
  )
}

async function signIn(request: Request, context: HttpContext): Promise<Reply> {
  const given = (await formOf(request))('token')?.trim() ?? ''
  const token = tokenOf(`Bearer ${given}`, context.activeConfig().settings.http.tokens)
  if (token === undefined) {
    if (given !== '') await request.tokenWasWrong()
    return tokenNeeded(
      await viewOf(request, context),
      'Wrong token: it must be one of [http] in config/ses-bounce.ini.',
    )
  }
  const key = { token, secret: await (await context.operator()).secret() }
  const isHttps = request.headers.origin?.startsWith('https:') ?? false
  return {
    status: 303,
    headers: { Location: `${ROOT}/`, 'Set-Cookie': sessionCookie(key, context.nowMs(), isHttps) },
  }
}

/** Ends the session: every copy of its cookie becomes invalid. @throws QueueError: then nothing has ended */
async function signOut(request: Request, context: HttpContext): Promise<Reply> {
  const session = await currentSession(request, context)
  if (session !== undefined)
    await (await context.operator()).endSession(session.id, session.endMs, context.nowMs())
  return { status: 303, headers: { Location: `${ROOT}/`, 'Set-Cookie': noCookie() } }
}

function changeFromPage(request: Request, action: JobAction, context: HttpContext): Promise<Reply> {
  return ofOperator(request, context, async (view, who) => {
    const id = request.params['id'] ?? ''
    const operator = await operatorContext(context, byPage(who, await formOf(request)))
    const done = await changeJob(operator, action, id)
    if ('value' in done) return seeOther(`/jobs/${encodeURIComponent(id)}`)
    const job = await operator.queue.job(id)
    return job === undefined ? notFound(view) : jobReply(409, view, job, context, done.fault)
  })
}

/** A pause that exists already counts as done. */
function pauseFromPage(request: Request, change: typeof pauseSending, context: HttpContext): Promise<Reply> {
  return ofOperator(request, context, async (_, who) => {
    const field = await formOf(request)
    const given = field('region')
    // every region is paused only if the form says so
    if (given === undefined)
      return plainText(400, 'the form must have the field "region"; empty, it is every region')
    const operator = await operatorContext(context, byPage(who, field))
    if (given !== '' && !(await isKnownRegion(operator, given)))
      return plainText(404, 'there is no such region in the queue')
    await change(operator, given === '' ? undefined : given)
    return seeOther('/')
  })
}

/** The actor on the page, for the audit. */
function byPage(who: string, field: (name: string) => string | undefined) {
  const reason = field('reason')?.trim() ?? ''
  return { rule: PAGE_RULE, who, via: 'page' as const, ...(reason !== '' && { reason }) }
}

/** A form as browsers send it. A field that is missing or too long is undefined. */
export async function formOf({ headers, body }: Request): Promise<(name: string) => string | undefined> {
  const type = headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return () => undefined
  const fields = new URLSearchParams((await body()).toString('utf8'))
  return name => {
    const value = fields.get(name)
    return value === null || value.length > LONGEST_FIELD ? undefined : value
  }
}

export function seeOther(path: string): Reply {
  return { status: 303, headers: { Location: ROOT + path } }
}
