// Every error that the product throws on purpose: its code, whether it passes by itself, where it is explained.
// And the one type for results that may be failures in ordinary life, and the one way to put an error in words. Imports
// nothing.

interface Explained {
  /** Page and anchor in the package, where somebody has to act. */
  explained?: string
  /** It doesn't pass by itself. */
  lasting?: true
}

export const ERRORS = {
  CONFIGURATION: { explained: 'docs/errors.md#configuration', lasting: true },
  /** The file isn't the queue's, or is damaged. */
  QUEUE_UNREADABLE: { explained: 'docs/errors.md#queue-unreadable', lasting: true },
  QUEUE_NETWORK_FS: { explained: 'docs/errors.md#queue-network-fs', lasting: true },
  /** A newer version of the product has written the file. */
  QUEUE_NEWER: { explained: 'docs/errors.md#queue-newer', lasting: true },
  /** A version of the product from before the first release has written the file. */
  QUEUE_OLDER: { explained: 'docs/errors.md#queue-older', lasting: true },
  /** The file can't be made, opened or written. Passes when its owner is put right. */
  QUEUE_UNWRITABLE: { explained: 'docs/errors.md#queue-cant-be-made' },
  /** The database isn't reached, refuses the login, or doesn't let the queue write. Passes. */
  QUEUE_UNREACHABLE: {},
  /** The database's settings could lose what it has confirmed, or it isn't one that the queue can work with. */
  QUEUE_NOT_DURABLE: { explained: 'docs/errors.md#queue-not-durable', lasting: true },
  /** Another process is writing for longer than we wait. */
  QUEUE_BUSY: {},
  /** The disk is full or failing. */
  QUEUE_FULL: {},
  /** Another dispatcher has taken over. */
  QUEUE_LOCK_LOST: {},
  QUEUE_OTHER: {},
  /** No dispatcher would send the bounce: for a temporary refusal. */
  NO_DISPATCHER: {},
} as const satisfies Record<string, Explained>

export type ErrorCode = keyof typeof ERRORS
export type QueueErrorCode = Extract<ErrorCode, `QUEUE_${string}`>

export class SesBounceError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C

  /** `message`: the fault, its place, and the right form. */
  constructor(code: C, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SesBounceError'
    this.code = code
  }
}

/** The one kind for whose callers a passing fault differs from a lasting one. Its message leads to the explanation. */
export class QueueError extends SesBounceError<QueueErrorCode> {
  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions) {
    const { explained }: Explained = ERRORS[code]
    super(code, explained === undefined ? message : `${message}; see ${explained}`, options)
    this.name = 'QueueError'
  }
}

/** It doesn't pass by itself: somebody has to act. */
export function isLasting({ code }: SesBounceError): boolean {
  const row: Explained = ERRORS[code]
  return row.lasting === true
}

/** A value, or the reason why there is none: for failures in ordinary life. Exceptions are for faults. */
export type Result<T, F = string> = { value: T } | { fault: F }

/** In words. A fault of the program itself has its kind before it. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return FAULTS_OF_PROGRAMS.some(kind => error instanceof kind) ? String(error) : error.message
}

const FAULTS_OF_PROGRAMS = [TypeError, RangeError, ReferenceError, SyntaxError]

/** The thrown value as an Error, whatever it was. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(errorMessage(error))
}
