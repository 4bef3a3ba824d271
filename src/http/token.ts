// Checks the bearer token of a request. Only the token's SHA-256 is known here. Digests are compared in constant time.

import { createHash, timingSafeEqual } from 'node:crypto'
import { Fault } from './reply'

/** RFC 9110 section 11.1: the scheme's case doesn't count. RFC 6750 section 2.1: b64token. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** `authorization`: of the header field of that name. */
export function hasToken(authorization: string | undefined, tokenSha256: string | undefined): boolean {
  const given = BEARER.exec(authorization ?? '')?.[1]
  if (given === undefined || tokenSha256 === undefined) return false
  const digest = createHash('sha256').update(given).digest()
  return timingSafeEqual(digest, Buffer.from(tokenSha256, 'hex'))
}

/** Whether there is a bearer token, valid or not. */
export function givesToken(authorization: string | undefined): boolean {
  return /^bearer\b/i.test(authorization ?? '')
}

/** 401 and not 404 also without a token in the settings, so that the missing setting is named. */
export function unauthorised(tokenSha256: string | undefined): Fault {
  const headers = { 'WWW-Authenticate': 'Bearer realm="ses-bounce"' }
  return tokenSha256 === undefined
    ? new Fault(401, 'API_OFF', 'the API is off: there is no [http] token in config/ses-bounce.ini', {
        headers,
      })
    : new Fault(401, 'UNAUTHORIZED', 'the header "Authorization: Bearer TOKEN" is missing or wrong', {
        headers,
      })
}
