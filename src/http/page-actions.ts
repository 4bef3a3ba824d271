// What can be done from the page, by plain forms: sign in, sign out, change a job, pause and resume.
// Only with the token, and only from a page of ours; each change is on disk, and in the log, before it is answered.

import { logLine } from '../app/log-line'
import type { ByHand } from '../queue/store'
import { paceOf } from './metrics'
import { currentSession, jobReply, notFound, ofTrusted, sessionKey, tokenNeeded, viewOf } from './page-auth'
import { BY_HAND, type ByHandWord } from './page-job'
import { isFromOurPage, noCookie, sessionCookie } from './page-session'
import { plainText, type Reply } from './reply'
import type { Request } from './request'
import { ROOT, type Route } from './router'
import type { HttpContext } from './routes'
import { hasToken } from './token'

/** In the log, in place of a rule's name. */
const PAGE_RULE = '[page]'
/** A token is shorter, and so is a region's name. */
const LONGEST_FIELD = 1000

export function actionRoutes(context: HttpContext): Route[] {
  const post = (path: string, answer: (request: Request) => Reply | Promise<Reply>): Route => ({
    method: 'POST',
    path,
    access: 'open',
    // who has the header has no need to come from a page: no other site's page can send it
    answer: request => (request.isAuthorised || isFromOurPage(request.headers) ? answer(request) : foreign()),
  })
  return [
    post('/session', request => signIn(request, context)),
    post('/session/end', request => signOut(request, context)),
    ...BY_HAND.map(word => post(`/jobs/:id/${word}`, request => changeJob(request, word, context))),
    post('/pause', request => pause(request, true, context)),
    post('/resume', request => pause(request, false, context)),
  ]
}

function foreign(): Reply {
  return plainText(
    403,
    'this form must be sent from the status page itself: the header Origin or Sec-Fetch-Site is missing or names another site',
  )
}

async function signIn(request: Request, context: HttpContext): Promise<Reply> {
  const token = (await field(request, 'token'))?.trim() ?? ''
  const key = sessionKey(context)
  if (key === undefined || !hasToken(`Bearer ${token}`, key.tokenSha256)) {
    if (token !== '') await request.tokenWasWrong()
    return tokenNeeded(viewOf(request, context), "That isn't the token in [http] of config/ses-bounce.ini.")
  }
  const isHttps = request.headers.origin?.startsWith('https:') ?? false
  return {
    status: 303,
    headers: { Location: `${ROOT}/`, 'Set-Cookie': sessionCookie(key, context.nowMs(), isHttps) },
  }
}

/** The session's cookie is no longer good, wherever a copy of it is. @throws QueueError: then nothing has ended */
function signOut(request: Request, context: HttpContext): Reply {
  const session = currentSession(request, context)
  if (session !== undefined) context.operator().endSession(session.id, session.endMs, context.nowMs())
  return { status: 303, headers: { Location: `${ROOT}/`, 'Set-Cookie': noCookie() } }
}

function changeJob(request: Request, word: ByHandWord, context: HttpContext): Reply | Promise<Reply> {
  return ofTrusted(request, context, view => {
    const id = request.params['id'] ?? ''
    const operator = context.operator()
    const done = change(id, word, view.nowMs, context)
    const job = operator.job(id)
    if (job === undefined) return notFound(view)
    if (!done.done) return jobReply(409, view, job, context, done.why)
    context.log('notice', logLine({ rule: PAGE_RULE, job: id, state: done.to, was: done.from }))
    if (done.to === 'queued') context.wake()
    return seeOther(`/jobs/${encodeURIComponent(id)}`)
  })
}

function change(id: string, word: ByHandWord, nowMs: number, context: HttpContext): ByHand {
  const operator = context.operator()
  switch (word) {
    case 'retry':
      return operator.retry(id, nowMs, paceOf(context.activeConfig().settings))
    case 'cancel':
      return operator.cancel(id, nowMs)
    case 'hold':
      return operator.hold(id, nowMs)
  }
}

/** What is so already is done. */
function pause(request: Request, isPause: boolean, context: HttpContext): Reply | Promise<Reply> {
  return ofTrusted(request, context, async ({ nowMs }) => {
    const given = await field(request, 'region')
    // every region is meant only where that is said
    if (given === undefined)
      return plainText(400, 'the form must have the field "region"; empty, it is every region')
    const region = given === '' ? undefined : given
    const operator = context.operator()
    const known = context.figures().figures(nowMs, paceOf(context.activeConfig().settings)).regions
    if (region !== undefined && !known.some(one => one.region === region))
      return plainText(404, 'there is no such region in the queue')
    const isChanged = isPause ? operator.pause(region, nowMs) : operator.resume(region)
    if (isChanged) {
      const what = region ?? 'every region'
      context.log('notice', logLine({ rule: PAGE_RULE, [isPause ? 'paused' : 'resumed']: what }))
      context.wake()
    }
    return seeOther('/')
  })
}

/** Of a form as browsers send it. Undefined: it isn't there, or longer than it can be. */
async function field({ headers, body }: Request, name: string): Promise<string | undefined> {
  const type = headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return undefined
  const value = new URLSearchParams((await body()).toString('utf8')).get(name)
  return value === null || value.length > LONGEST_FIELD ? undefined : value
}

function seeOther(path: string): Reply {
  return { status: 303, headers: { Location: ROOT + path } }
}
