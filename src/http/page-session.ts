// A browser that has signed in with the token: a cookie that proves it for some hours, and that isn't the token. Every
// worker can check it; a new token ends all sessions. Of a session nothing is kept but that it was ended by "Sign out".
// A cookie that is wrong in any way counts as none.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { EpochMs } from '../units'

const COOKIE = 'ses-bounce'
/** A working day. */
export const SESSION_MS = 12 * 3_600_000
const ID_BYTES = 16
const VALUE = /^(\d{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})$/

/** What a cookie is signed with. */
export interface SessionKey {
  tokenSha256: string
  /** The digest alone may stand in files that others can read. */
  secret: string
}

export interface Session {
  /** Random: by this it can be ended. */
  id: string
  endMs: EpochMs
}

export interface SessionCheck {
  /** Asked only for a cookie that may be good; undefined: there is no token. */
  keyOf: () => SessionKey | undefined
  isEnded: (id: string) => boolean
}

/** `isHttps`: as the browser sees it. */
export function sessionCookie(key: SessionKey, nowMs: EpochMs, isHttps: boolean): string {
  const session = { id: randomBytes(ID_BYTES).toString('hex'), endMs: nowMs + SESSION_MS }
  return cookie(`${session.endMs}.${session.id}.${proof(session, key)}`, SESSION_MS / 1000, isHttps)
}

/** Has the browser forget its cookie. */
export function noCookie(): string {
  return cookie('', 0, false)
}

/** `header`: Cookie. The session that it proves; undefined: none that is good. */
export function sessionOf(
  header: string | undefined,
  nowMs: EpochMs,
  { keyOf, isEnded }: SessionCheck,
): Session | undefined {
  for (const value of valuesOf(header)) {
    const [, end = '', id = '', given = ''] = VALUE.exec(value) ?? []
    const session = { id, endMs: Number(end) }
    // one that ends later than any that could have been given out is left from before the clock was set back
    if (given === '' || session.endMs <= nowMs || session.endMs > nowMs + SESSION_MS) continue
    const key = keyOf()
    if (key === undefined) return undefined
    const isProved = timingSafeEqual(Buffer.from(given, 'hex'), Buffer.from(proof(session, key), 'hex'))
    if (isProved && !isEnded(id)) return session
  }
  return undefined
}

/**
 * Whether a form comes from a page of ours. Browsers say so themselves with Sec-Fetch-Site, if over TLS or on this machine
 * (Fetch Metadata), else with Origin; one that says neither is refused.
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

/** Other sites of the host may have set one of that name for another path. */
function valuesOf(header = ''): string[] {
  return header.split(';').flatMap(pair => {
    const [name, value] = pair.trim().split('=', 2)
    return name === COOKIE && value !== undefined ? [value] : []
  })
}

function proof({ id, endMs }: Session, { tokenSha256, secret }: SessionKey): string {
  return createHmac('sha256', Buffer.from(secret + tokenSha256, 'hex'))
    .update(`status page ${endMs} ${id}`)
    .digest('hex')
}

/** As a Host header has it: without the scheme's own port. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
