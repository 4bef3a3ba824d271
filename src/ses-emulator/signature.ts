// Checks Signature Version 4 (AWS: "Create a signed AWS API request"): a known key must have signed the request, for a
// region. A fault is returned as AWS's refusal; nothing throws.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Refusal } from './xml'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** Credentials that the server knows. */
export interface KnownKey extends Credentials {
  /** The token of temporary credentials. */
  sessionToken?: string
  expiresMs?: number
}

export interface SignedRequest {
  method: string
  /** Values by name in lower case, in the order of the request. */
  headers: ReadonlyMap<string, readonly string[]>
  body: Buffer
}

export interface Expected {
  /** The credentials of an access key. 'any': only the form of the signature is checked. */
  known: ((accessKeyId: string) => KnownKey | undefined) | 'any'
  nowMs: number
  /** The service that the request is for. */
  service: 'ses' | 'sts'
}

export type SignatureCheck =
  | { ok: true; region: string; accessKeyId: string }
  | { ok: false; refusal: Refusal }

// AWS's error names this number: "(... - 5 min.)"
const LONGEST_SKEW_MS = 5 * 60_000

const CREDENTIAL = /^([A-Za-z0-9]{1,128})\/(\d{8})\/([a-z0-9-]{1,40})\/([a-z0-9-]{1,40})\/aws4_request$/

/**
 * The request's path must be `/` without a query, as the server accepts no other.
 * With 'any', everything but the signature itself is checked. Only temporary credentials have a token to check.
 */
export function checkSignature(
  request: SignedRequest,
  { known: keys, nowMs, service }: Expected,
): SignatureCheck {
  const authorization = header(request, 'authorization')
  if (authorization === undefined)
    return refuse('MissingAuthenticationToken', 'Request is missing Authentication Token')
  const claim = readAuthorization(authorization)
  if (claim === undefined) {
    return refuse(
      'IncompleteSignature',
      'Authorization header must be "AWS4-HMAC-SHA256 Credential=KEY/YYYYMMDD/REGION/SERVICE/aws4_request, ' +
        'SignedHeaders=SORTED;NAMES, Signature=HEX".',
      400,
    )
  }
  const stamp = header(request, 'x-amz-date') ?? ''
  const stampMs = readStampMs(stamp)
  if (stampMs === undefined) {
    return refuse('IncompleteSignature', 'x-amz-date must be in the form YYYYMMDDTHHMMSSZ.', 400)
  }
  const fault =
    scopeFault(claim, stamp, request, service) ??
    headersFault(claim, request) ??
    skewFault(stamp, stampMs, nowMs)
  if (fault !== undefined) return refuse('SignatureDoesNotMatch', fault)
  const { region, accessKeyId } = claim
  if (keys === 'any') return { ok: true, region, accessKeyId }
  const known = keys(accessKeyId)
  const token = header(request, 'x-amz-security-token')
  if (known === undefined || (known.sessionToken !== undefined && known.sessionToken !== token)) {
    return refuse('InvalidClientTokenId', 'The security token included in the request is invalid.')
  }
  if (known.expiresMs !== undefined && nowMs >= known.expiresMs)
    return refuse('ExpiredToken', 'The security token included in the request is expired')
  const expected = signature(request, claim, stamp, known.secretAccessKey)
  if (!timingSafeEqual(expected, Buffer.from(claim.signature, 'hex'))) {
    return refuse(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. ' +
        'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    )
  }
  return { ok: true, region, accessKeyId }
}

/** The key that a request names, unverified: for the record of a refused call. */
export function claimedKey(headers: SignedRequest['headers']): string | undefined {
  return readAuthorization(headers.get('authorization')?.[0] ?? '')?.accessKeyId
}

/** The region that a request names, unverified: for the record of a refused call. */
export function claimedRegion(headers: SignedRequest['headers']): string | undefined {
  return readAuthorization(headers.get('authorization')?.[0] ?? '')?.region ?? hostRegion(headers)
}

interface Claim {
  accessKeyId: string
  date: string
  region: string
  service: string
  signedHeaders: string[]
  /** 64 hex digits. */
  signature: string
}

function readAuthorization(text: string): Claim | undefined {
  const [algorithm, rest] = splitOnce(text, ' ')
  if (algorithm !== 'AWS4-HMAC-SHA256') return undefined
  const parts = new Map(rest.split(',').map(part => splitOnce(part.trim(), '=')))
  const credential = CREDENTIAL.exec(parts.get('Credential') ?? '')
  const signedHeaders = (parts.get('SignedHeaders') ?? '').split(';')
  const signature = parts.get('Signature') ?? ''
  if (credential === null || !/^[0-9a-f]{64}$/.test(signature) || !isSorted(signedHeaders)) return undefined
  const [, accessKeyId = '', date = '', region = '', service = ''] = credential
  return { accessKeyId, date, region, service, signedHeaders, signature }
}

function scopeFault(
  claim: Claim,
  stamp: string,
  request: SignedRequest,
  service: string,
): string | undefined {
  if (claim.service !== service) return `Credential should be scoped to correct service: '${service}'.`
  const region = hostRegion(request.headers)
  if (region !== undefined && region !== claim.region) {
    return `Credential should be scoped to a valid region, not '${claim.region}'.`
  }
  if (claim.date === stamp.slice(0, 8)) return undefined
  return (
    'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
    `'${claim.date}' != '${stamp.slice(0, 8)}', from '${stamp}'.`
  )
}

/** AWS: Host and every X-Amz-* header must be signed, and every signed header must be present. */
function headersFault({ signedHeaders }: Claim, { headers }: SignedRequest): string | undefined {
  const signed = new Set(signedHeaders)
  for (const name of signed)
    if (!headers.has(name)) return `The signed header '${name}' is not in the request.`
  for (const name of headers.keys()) {
    if ((name === 'host' || name.startsWith('x-amz-')) && !signed.has(name)) {
      return `'${name}' must be a 'SignedHeader' in the AWS Authorization.`
    }
  }
  return signed.has('host') ? undefined : `'host' must be a 'SignedHeader' in the AWS Authorization.`
}

// services with the query protocol (SNS, STS) answer a wrong clock with SignatureDoesNotMatch, not RequestExpired
function skewFault(stamp: string, stampMs: number, nowMs: number): string | undefined {
  const now = formatStamp(nowMs)
  if (stampMs < nowMs - LONGEST_SKEW_MS) {
    const limit = formatStamp(nowMs - LONGEST_SKEW_MS)
    return `Signature expired: ${stamp} is now earlier than ${limit} (${now} - 5 min.)`
  }
  if (stampMs > nowMs + LONGEST_SKEW_MS) {
    const limit = formatStamp(nowMs + LONGEST_SKEW_MS)
    return `Signature not yet current: ${stamp} is still later than ${limit} (${now} + 5 min.)`
  }
  return undefined
}

function signature(request: SignedRequest, claim: Claim, stamp: string, secret: string): Buffer {
  const values = (name: string) => request.headers.get(name) ?? []
  const canonicalRequest = [
    request.method,
    '/',
    '',
    ...claim.signedHeaders.map(name => `${name}:${values(name).map(canonicalValue).join(',')}`),
    '',
    claim.signedHeaders.join(';'),
    createHash('sha256').update(request.body).digest('hex'),
  ].join('\n')
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`
  const hash = createHash('sha256').update(canonicalRequest).digest('hex')
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, hash].join('\n')
  const key = [claim.date, claim.region, claim.service, 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${secret}`),
  )
  return hmac(key, toSign)
}

const canonicalValue = (value: string) => value.trim().replace(/ {2,}/g, ' ')

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** The region in `email.REGION.amazonaws.com` or `sts.REGION...`. Undefined: another host. */
function hostRegion(headers: SignedRequest['headers']): string | undefined {
  return /^(?:email|sts)(?:-fips)?\.([a-z0-9-]{1,40})\.amazonaws\.com(?:\.cn)?(?::\d+)?$/i
    .exec(headers.get('host')?.[0] ?? '')?.[1]
    ?.toLowerCase()
}

/** `20250101T120000Z` as milliseconds since the epoch. */
function readStampMs(stamp: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? undefined : ms
}

const formatStamp = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace(/[:-]/g, '')}Z`

function header(request: SignedRequest, name: string): string | undefined {
  return request.headers.get(name)?.join(',')
}

function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || (names[i - 1] ?? '') < name)
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)]
}

function refuse(code: string, message: string, status = 403): SignatureCheck {
  return { ok: false, refusal: { status, code, message } }
}
