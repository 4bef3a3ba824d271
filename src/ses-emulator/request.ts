// Checks a whole HTTP request as AWS's front end does: first the request line, then the signature, then the form.
// A fault is returned as a refusal; nothing throws.

import type { IncomingMessage } from 'node:http'
import type { SendBounceRequest } from '@aws-sdk/client-ses'
import { type Asked, readAction, serviceOf } from './actions'
import { type Checked, readForm } from './form'
import { checkSignature, claimedRegion, type Expected, type SignedRequest } from './signature'
import type { Refusal } from './xml'

export interface Received {
  method: string
  /** The request line's target. */
  target: string
  headers: SignedRequest['headers']
  /** Undefined: it was too large to be kept. */
  body: Buffer | undefined
}

/** The action and region that the client names, unverified: for the record. */
export function describe({ headers, body }: Received): {
  region?: string
  action?: string
  params: Record<string, string>
  input?: SendBounceRequest
} {
  const form = body && readForm(body)
  const params = form?.ok ? form.value : new Map<string, string>()
  const asked = readAction(params)
  const region = claimedRegion(headers)
  const action = params.get('Action')
  return {
    ...(region !== undefined && { region }),
    ...(action !== undefined && { action }),
    params: Object.fromEntries(params),
    ...(asked.ok && asked.value.action === 'SendBounce' && { input: asked.value.input }),
  }
}

export function readCall(
  { method, target, headers, body }: Received,
  known: Expected['known'],
  nowMs: number,
): Checked<{ region: string; accessKeyId: string; asked: Asked }> {
  if (body === undefined) return refuse(413, 'RequestEntityTooLarge', 'The request is too large.')
  // SES also accepts the query protocol by GET, but all SDKs send it as POST to /
  if (method !== 'POST') return refuse(405, 'InvalidAction', `The method must be POST, not ${method}.`)
  if (target !== '/') return refuse(404, 'InvalidAction', 'The path must be / without a query.')
  const type = headers.get('content-type')?.[0]?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    return refuse(400, 'InvalidAction', 'The Content-Type must be application/x-www-form-urlencoded.')
  }
  const form = readForm(body)
  // at AWS each service has its own host; here the action tells the service
  const service = serviceOf(form.ok ? form.value.get('Action') : undefined)
  const signature = checkSignature({ method, headers, body }, { known, nowMs, service })
  if (!signature.ok) return signature
  const asked = form.ok ? readAction(form.value) : form
  const { region, accessKeyId } = signature
  return asked.ok ? { ok: true, value: { region, accessKeyId, asked: asked.value } } : asked
}

export function readHeaders({ rawHeaders }: IncomingMessage): Map<string, string[]> {
  const headers = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const values = headers.get(name)
    const value = rawHeaders[i + 1] ?? ''
    if (values) values.push(value)
    else headers.set(name, [value])
  }
  return headers
}

function refuse(status: number, code: string, message: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { status, code, message } }
}
