// Who may use the API: whoever has the token, of which only the SHA-256 is known here.
// The time of a comparison tells nothing: digests of the same length are compared as wholes.

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

/** Whether a bearer token was given at all, a good one or not. */
export function givesToken(authorization: string | undefined): boolean {
  return /^bearer\b/i.test(authorization ?? '')
}

/** Off is said as such, with 401 and not 404: whoever sets it up is to see what is missing. */
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
