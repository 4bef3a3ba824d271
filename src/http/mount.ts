// Serves the routes below /ses-bounce on Haraka's web server; Haraka serves all others.
// Nothing throws or rejects into express: a fault of the store gives 503, any other error 500 and a line in the log.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { escapeControls, shortened } from '../config/escape'
import { errorMessage, QueueError } from '../errors'
import type { WebApp } from '../haraka/web-server'
import { checkHost } from './host-name'
import { faultPage } from './page-layout'
import { Fault, idle, plainText, type Reply } from './reply'
import { type Request, readBody } from './request'
import { findRoute, ROOT, type Route } from './router'
import type { HttpContext } from './routes'
import { forbidden, givesToken, tokenOf, unauthorised } from './token'
import { WrongTokens } from './wrong-tokens'

/** Every answer below it has the API's envelope. */
const API = '/v1'

/** Headers of every answer. Without CORS, scripts of other sites can't read an answer. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

const RETRY_AFTER_S = 5

export type ServingContext = Pick<HttpContext, 'activeConfig' | 'log' | 'nowMonoMs'>

export function mount(
  app: WebApp,
  routes: readonly Route[],
  context: ServingContext,
  wrongTokens = new WrongTokens({
    warn: message => context.log('warn', message),
    nowMonoMs: () => context.nowMonoMs(),
  }),
): void {
  app.use((message, response, next) => {
    const url = urlBelow(message.url ?? '')
    if (url === undefined) next()
    else void serve(message, response, url, { routes, context, wrongTokens })
  })
}

/** RFC 9112 section 3.2.2: a whole URL, which a proxy may send, must be accepted. */
const ORIGIN = /^https?:\/\/([^/?#]*)/i

/** The URL below our root, such as `/v1/bounces?limit=1`. Undefined: not our route. */
function urlBelow(asked: string): string | undefined {
  const url = asked.replace(ORIGIN, '')
  const below = url.startsWith(ROOT) ? url.slice(ROOT.length) : undefined
  return below !== undefined && /^(?:[/?]|$)/.test(below) ? below : undefined
}

/** The host in a target that is a whole URL. It takes precedence over Host. */
function hostOfTarget(asked: string): string | undefined {
  return ORIGIN.exec(asked)?.[1]
}

interface Mounted {
  routes: readonly Route[]
  context: ServingContext
  wrongTokens: WrongTokens
}

/** Never rejects. */
async function serve(
  message: IncomingMessage,
  response: ServerResponse,
  url: string,
  mounted: Mounted,
): Promise<void> {
  const { context } = mounted
  const [path = ''] = url.split('?', 1)
  const query = url.slice(path.length + 1)
  const what = `${message.method} ${ROOT}${shortened(path)}`
  try {
    const reply = await answer(message, path, query, mounted).catch((error: unknown) =>
      asReply(faultOf(error, what, context), path, message.headers.accept),
    )
    send(response, reply, message.method === 'HEAD')
  } catch (error) {
    context.log('error', `http: ${escapeControls(`${what} can't be answered: ${errorMessage(error)}`)}`)
    response.destroy()
  }
}

async function answer(
  message: IncomingMessage,
  path: string,
  query: string,
  { routes, context: { activeConfig }, wrongTokens }: Mounted,
): Promise<Reply> {
  checkHost(path, [message.headers.host, hostOfTarget(message.url ?? '')], activeConfig().webNames)
  if (path === '') return { status: 308, headers: { Location: `${ROOT}/` } }
  const found = findRoute(routes, message.method ?? '', path)
  if (found.kind === 'no such path') throw new Fault(404, 'NOT_FOUND', 'there is nothing at this address')
  if (found.kind === 'no such method') {
    const allow = found.allow.join(', ')
    throw new Fault(405, 'METHOD_NOT_ALLOWED', `only ${allow} can be used here`, {
      headers: { Allow: allow },
    })
  }
  const { tokens } = activeConfig().settings.http
  const { authorization } = message.headers
  const token = tokenOf(authorization, tokens)
  const tokenWasWrong = () => wrongTokens.given(message.socket.remoteAddress)
  if (token === undefined && tokens.length > 0 && givesToken(authorization)) await tokenWasWrong()
  const { access } = found.route
  if (access !== 'open' && token === undefined) throw unauthorised(tokens)
  if (access === 'operate' && token?.role === 'read') throw forbidden(token)
  const request: Request = {
    method: message.method ?? '',
    path,
    query: new URLSearchParams(query),
    headers: message.headers,
    params: found.params,
    token,
    tokenWasWrong,
    body: () => readBody(message),
  }
  return found.route.answer(request)
}

/** The answer to an error. Details for the operator are only logged. */
function faultOf(error: unknown, what: string, { activeConfig, log }: ServingContext): Fault {
  if (error instanceof Fault) return error
  // there is no queue file until a relay is trusted
  if (error instanceof QueueError && activeConfig().idle) return idle()
  const text = errorMessage(error)
  log('error', `http: ${escapeControls(shortened(`${what}: ${text}`, 500))}`)
  return error instanceof QueueError
    ? new Fault(503, 'UNAVAILABLE', `the queue can't be used now (${error.code}); the log says more`, {
        headers: { 'Retry-After': String(RETRY_AFTER_S) },
      })
    : new Fault(500, 'INTERNAL', 'this should not happen; the log says more')
}

/** Below the API's path the fault is in its envelope; elsewhere it is a page for browsers, and a line for others. */
function asReply(fault: Fault, path: string, accept = ''): Reply {
  if (path === API || path.startsWith(`${API}/`)) return fault.reply
  if (accept.includes('text/html')) return faultPage(fault)
  return plainText(fault.status, fault.message, fault.more.headers)
}

function send(response: ServerResponse, { status, headers, body = '' }: Reply, isHead: boolean): void {
  response.statusCode = status
  // express names itself in a header
  response.removeHeader('X-Powered-By')
  for (const [name, value] of Object.entries({ ...HEADERS, ...headers })) response.setHeader(name, value)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(isHead ? undefined : body)
}
