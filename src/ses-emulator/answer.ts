// The outcome of a call, and the HTTP answer to its client: pure functions over plain data.

import { type Caller, denied } from './account'
import { serviceOf } from './actions'
import type { Call, Outcome } from './call'
import { type Fault, type FaultSubject, isCarriedOut } from './faults'
import { THROTTLED } from './ses'
import { errorXml, type Refusal, SES_NAMESPACE, STS_NAMESPACE } from './xml'

/** The result of a call without an injected fault. */
export type Result =
  | { refusal: Refusal }
  /** `messageId`: the bounce was sent. */
  | { messageId?: string; xml: (requestId: string) => string }

/** `result`. Undefined: a fault replaced it. */
export function outcomeOf(
  fault: Fault | undefined,
  subject: FaultSubject,
  caller: Caller,
  result: Result | undefined,
): Outcome {
  const refusal = result && 'refusal' in result ? result.refusal : undefined
  const messageId = result && 'messageId' in result ? result.messageId : undefined
  const made = { ...(messageId !== undefined && { messageId }), carriedOut: messageId !== undefined }
  if (fault === undefined) return { status: 200, ...refusal, ...made }
  const told = faultAnswer(fault, subject, caller)
  // if SES did its work before the fault, its result stays on record
  const found = isCarriedOut(fault) && refusal ? { code: refusal.code, message: refusal.message } : {}
  return {
    ...found,
    status: 0,
    ...(told && isRefusal(told) ? told : told && { status: told.status }),
    fault: fault.kind,
    ...made,
  }
}

export interface Answer {
  status: number
  contentType: string
  body: string
}

/** Undefined: the client gets no answer. */
export function answerOf(
  call: Call,
  caller: Caller,
  fault: Fault | undefined,
  result: Result | undefined,
  requestId: string,
): Answer | undefined {
  const told = fault && faultAnswer(fault, call, caller)
  if (fault && told === undefined) return undefined
  if (told && !isRefusal(told)) {
    return { ...told, contentType: told.body.startsWith('<') ? 'text/html' : 'text/plain' }
  }
  const refusal = told ?? (result && 'refusal' in result ? result.refusal : undefined)
  const namespace = serviceOf(call.action) === 'sts' ? STS_NAMESPACE : SES_NAMESPACE
  const body = refusal ? errorXml(refusal, requestId, namespace) : successXml(result, requestId)
  return { status: call.outcome.status, contentType: 'text/xml', body }
}

function successXml(result: Result | undefined, requestId: string): string {
  return result && 'xml' in result ? result.xml(requestId) : ''
}

/** AWS: common errors of the query protocol. */
const STS_THROTTLED: Refusal = { status: 400, code: 'Throttling', message: 'Rate exceeded' }

type Told = Refusal | { status: number; body: string }

const isRefusal = (told: Told): told is Refusal => 'code' in told

function faultAnswer(fault: Fault, subject: FaultSubject, caller: Caller): Told | undefined {
  switch (fault.kind) {
    case 'throttle':
      return serviceOf(subject.action) === 'sts' ? STS_THROTTLED : THROTTLED
    case 'denied':
      return denied(subject, caller)
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
