// A browser that has given the token once: a cookie that proves it for some hours, and that isn't the token.
// Nothing is kept of it: every worker can tell, and a new token ends all sessions. Whatever is wrong with a cookie, it is none.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const COOKIE = 'ses-bounce'
/** A working day. */
export const SESSION_MS = 12 * 3_600_000
const VALUE = /^(\d{1,15})\.([0-9a-f]{64})$/

/** What a cookie is signed with. */
export interface SessionKey {
  tokenSha256: string
  /** The digest alone may stand in files that others can read. */
  secret: string
}

/** `isHttps`: as the browser sees it. */
export function sessionCookie(key: SessionKey, nowMs: number, isHttps: boolean): string {
  const endMs = nowMs + SESSION_MS
  return cookie(`${endMs}.${proof(endMs, key)}`, SESSION_MS / 1000, isHttps)
}

export function endOfSession(): string {
  return cookie('', 0, false)
}

/** `header`: Cookie. `keyOf`: asked where there is something to prove; undefined: there is no token. */
export function hasSession(
  header: string | undefined,
  keyOf: () => SessionKey | undefined,
  nowMs: number,
): boolean {
  return valuesOf(header).some(value => {
    const [, end = '', given = ''] = VALUE.exec(value) ?? []
    const endMs = Number(end)
    // one that ends later than any that could have been given out is left from before the clock was set back
    if (given === '' || endMs <= nowMs || endMs > nowMs + SESSION_MS) return false
    const key = keyOf()
    return (
      key !== undefined && timingSafeEqual(Buffer.from(given, 'hex'), Buffer.from(proof(endMs, key), 'hex'))
    )
  })
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

/** Others may have set one of that name for another path. */
function valuesOf(header = ''): string[] {
  return header.split(';').flatMap(pair => {
    const [name, value] = pair.trim().split('=', 2)
    return name === COOKIE && value !== undefined ? [value] : []
  })
}

function proof(endMs: number, { tokenSha256, secret }: SessionKey): string {
  return createHmac('sha256', Buffer.from(secret + tokenSha256, 'hex'))
    .update(`status page ${endMs}`)
    .digest('hex')
}

/** As a Host header has it: without the scheme's own port. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
