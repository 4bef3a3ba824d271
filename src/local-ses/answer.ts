// What a call comes to, and the HTTP answer that tells its client: pure functions over plain data.
// Nothing here fails.

import type { Outcome } from './call'
import { type Fault, isCarriedOut } from './faults'
import { THROTTLED } from './ses'
import { errorXml, type Refusal, sendBounceXml } from './xml'

/** `messageId`: the bounce went out. */
export function outcomeOf(
  fault: Fault | undefined,
  refusal: Refusal | undefined,
  messageId: string | undefined,
): Outcome {
  const result = { ...(messageId !== undefined && { messageId }), carriedOut: messageId !== undefined }
  if (fault === undefined) return { status: 200, ...refusal, ...result }
  const told = faultAnswer(fault)
  // where SES did its work first, what it found stays on record
  const found = isCarriedOut(fault) && refusal ? { code: refusal.code, message: refusal.message } : {}
  return {
    ...found,
    status: 0,
    ...(told && isRefusal(told) ? told : told && { status: told.status }),
    fault: fault.kind,
    ...result,
  }
}

export interface Answer {
  status: number
  contentType: string
  body: string
}

/** Undefined: there is none. */
export function answerOf(outcome: Outcome, fault: Fault | undefined, requestId: string): Answer | undefined {
  const told = fault && faultAnswer(fault)
  if (fault && told === undefined) return undefined
  if (told && !isRefusal(told)) {
    return { ...told, contentType: told.body.startsWith('<') ? 'text/html' : 'text/plain' }
  }
  const { status, code, message, messageId } = outcome
  const body =
    code === undefined
      ? sendBounceXml(messageId ?? '', requestId)
      : errorXml({ status, code, message: message ?? '' }, requestId)
  return { status, contentType: 'text/xml', body }
}

type Told = Refusal | { status: number; body: string }

const isRefusal = (told: Told): told is Refusal => 'code' in told

function faultAnswer(fault: Fault): Told | undefined {
  switch (fault.kind) {
    case 'throttle':
      return THROTTLED
    case 'error':
      return { status: fault.status, code: fault.code, message: fault.message }
    case 'status':
      return { status: fault.status, body: fault.body }
    case 'garbage':
      return { status: 200, body: '<html><body><h1>It works!</h1></body></html>' }
    case 'empty':
      return { status: 200, body: '' }
    case 'reset':
    case 'silence':
      return undefined
  }
}
