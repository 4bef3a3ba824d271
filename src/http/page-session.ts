// A browser that has signed in with the token: a cookie that proves it for some hours, and that isn't the token. Every
// worker can check it; a new token ends all sessions. Of a session nothing is kept but that it was ended by "Sign out".
// A cookie that is wrong in any way counts as none.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { HttpToken } from '../config/http-tokens'
import type { Eventually } from '../queue/store'
import type { EpochMs } from '../units'

const COOKIE = 'ses-bounce'
/** A session lasts a working day. */
export const SESSION_MS = 12 * 3_600_000
const ID_BYTES = 16
const VALUE = /^(\d{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})$/

/** The key that signs the cookies of a token. */
export interface SessionKey {
  token: HttpToken
  /** A secret besides the token's digest, which may be in files that others can read. */
  secret: string
}

export interface Session {
  /** Random, so that the session can be ended by it. */
  id: string
  endMs: EpochMs
  /** The token that it began with. */
  token: HttpToken
}

export interface SessionCheck {
  tokens: readonly HttpToken[]
  /** Called only for a cookie that may be valid. */
  secretOf: () => Eventually<string>
  isEnded: (id: string) => Eventually<boolean>
}

/** `isHttps`: as the browser sees it. */
export function sessionCookie(key: SessionKey, nowMs: EpochMs, isHttps: boolean): string {
  const session = { id: randomBytes(ID_BYTES).toString('hex'), endMs: nowMs + SESSION_MS }
  return cookie(`${session.endMs}.${session.id}.${proof(session, key)}`, SESSION_MS / 1000, isHttps)
}

/** Makes the browser delete its cookie. */
export function noCookie(): string {
  return cookie('', 0, false)
}

/** `header`: Cookie. The session that it proves. Undefined: no valid one. */
export async function sessionOf(
  header: string | undefined,
  nowMs: EpochMs,
  { tokens, secretOf, isEnded }: SessionCheck,
): Promise<Session | undefined> {
  for (const value of valuesOf(header)) {
    const [, end = '', id = '', given = ''] = VALUE.exec(value) ?? []
    const session = { id, endMs: Number(end) }
    // a session that ends too late was made before the clock was set back
    if (given === '' || session.endMs <= nowMs || session.endMs > nowMs + SESSION_MS) continue
    if (tokens.length === 0) return undefined
    const secret = await secretOf()
    const proved = (token: HttpToken) =>
      timingSafeEqual(Buffer.from(given, 'hex'), Buffer.from(proof(session, { token, secret }), 'hex'))
    const token = tokens.find(proved)
    if (token !== undefined && !(await isEnded(id))) return { ...session, token }
  }
  return undefined
}

/**
 * Whether a form comes from our own page. Over TLS or on this machine browsers send Sec-Fetch-Site (Fetch Metadata),
 * else Origin. A request with neither is refused.
 */
export function isFromOurPage(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = headers
  return origin !== undefined && host !== undefined && hostOf(origin) === host.toLowerCase()
}

/** RFC 6265 section 4.1. */
function cookie(value: string, seconds: number, isHttps: boolean): string {
  const secure = isHttps ? '; Secure' : ''
  return `${COOKIE}=${value}; Path=/ses-bounce; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`
}

/** All cookies of that name, as other sites of the host may have set one for another path. */
function valuesOf(header = ''): string[] {
  return header.split(';').flatMap(pair => {
    const [name, value] = pair.trim().split('=', 2)
    return name === COOKIE && value !== undefined ? [value] : []
  })
}

function proof({ id, endMs }: Omit<Session, 'token'>, { token, secret }: SessionKey): string {
  return createHmac('sha256', Buffer.from(secret + token.sha256, 'hex'))
    .update(`status page ${endMs} ${id}`)
    .digest('hex')
}

/** The host in the form of a Host header: without the scheme's default port. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
