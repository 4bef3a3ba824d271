// Replies as data, and the envelope of the API's answers. Control characters and direction marks in texts are escaped.

import { escapeControls } from '../config/escape'

export interface Reply {
  status: number
  headers?: Readonly<Record<string, string>>
  /** Undefined or empty: no body. */
  body?: string | Buffer
}

/** The error of one field of a request. */
export interface Detail {
  /** `recipients[0].status`; of a query, the parameter's name. */
  field: string
  message: string
}

/** The most errors in an answer: nobody fixes more at once, and a body may have twenty thousand. */
export const MOST_DETAILS = 200

/** docs/api.md explains them. */
export const FAULT_CODES = [
  'VALIDATION_ERROR',
  'INVALID_JSON',
  'UNAUTHORIZED',
  'API_OFF',
  'FORBIDDEN',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'MISDIRECTED',
  'REQUEST_TIMEOUT',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'UNSAFE',
  'EXPIRED',
  'ENDED',
  'CAPPED',
  'OVERLOAD',
  'OBSERVING',
  'NOT_CANCELLABLE',
  'NOT_RELEASED',
  'IDEMPOTENCY_KEY_REUSED',
  'UNAVAILABLE',
  'INTERNAL',
] as const
export type FaultCode = (typeof FAULT_CODES)[number]

/** Thrown by a handler that can't do as requested. It becomes the answer. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    readonly code: FaultCode,
    message: string,
    readonly more: { details?: readonly Detail[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.name = 'Fault'
  }

  get reply(): Reply {
    const { details, headers } = this.more
    const error = { code: this.code, message: this.message, ...(details && { details }) }
    return json(this.status, { success: false, error }, headers)
  }
}

/** The answer while no relay is trusted: it names the missing setting. */
export function idle(): Fault {
  return new Fault(
    503,
    'UNAVAILABLE',
    'the plugin is idle: no relay is trusted; set [relay] trusted in config/ses-bounce.ini',
  )
}

export function success(status: number, data: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return json(status, { success: true, data }, headers)
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
    // escaped in JSON's own form, so that it parses to the same text
    body: `${escapeControls(JSON.stringify(value))}\n`,
  }
}

export function plainText(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
    body: `${escapeControls(text)}\n`,
  }
}
