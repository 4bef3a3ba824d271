// Finds the token of a request. Only the tokens' SHA-256 are known here. Digests are compared in constant time, with each
// token in turn, so that the time tells nothing of which one was near.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { HttpToken } from '../config/http-tokens'
import { Fault } from './reply'

/** RFC 9110 section 11.1: the scheme's case doesn't count. RFC 6750 section 2.1: b64token. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** `authorization`: of the header field of that name. Undefined: it has none of the tokens. */
export function tokenOf(
  authorization: string | undefined,
  tokens: readonly HttpToken[],
): HttpToken | undefined {
  const given = BEARER.exec(authorization ?? '')?.[1]
  if (given === undefined) return undefined
  const digest = createHash('sha256').update(given).digest()
  const found = tokens.filter(({ sha256 }) => timingSafeEqual(digest, Buffer.from(sha256, 'hex')))
  return found[0]
}

/** Whether there is a bearer token, valid or not. */
export function givesToken(authorization: string | undefined): boolean {
  return /^bearer\b/i.test(authorization ?? '')
}

/** 401 and not 404 also without a token in the settings, so that the missing setting is named. */
export function unauthorised(tokens: readonly HttpToken[]): Fault {
  const headers = { 'WWW-Authenticate': 'Bearer realm="ses-bounce"' }
  return tokens.length === 0
    ? new Fault(401, 'API_OFF', 'the API is off: there is no [http] token in config/ses-bounce.ini', {
        headers,
      })
    : new Fault(401, 'UNAUTHORIZED', 'the header "Authorization: Bearer TOKEN" is missing or wrong', {
        headers,
      })
}

/** RFC 6750 section 3.1: insufficient_scope. */
export function forbidden({ name }: HttpToken): Fault {
  const message = `the token "${name}" may only read; [http] role.${name} = operate lets it change something`
  return new Fault(403, 'FORBIDDEN', message)
}
