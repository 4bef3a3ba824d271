// Every error that the product throws on purpose: its code, whether waiting mends it, where it is explained.
// Knows nobody. What is wrong in the case at hand is said where it is thrown.

interface Explained {
  /** Page and anchor in the package, where somebody has to act. */
  explained?: string
  /** No waiting mends it. */
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
  /** Another process is writing for longer than we wait. */
  QUEUE_BUSY: {},
  /** The disk is full or failing. */
  QUEUE_FULL: {},
  /** Another dispatcher has taken over. */
  QUEUE_LOCK_LOST: {},
  QUEUE_OTHER: {},
  /** Nobody would send a bounce: for a temporary refusal. */
  NO_DISPATCHER: {},
} as const satisfies Record<string, Explained>

export type ErrorCode = keyof typeof ERRORS
export type QueueErrorCode = Extract<ErrorCode, `QUEUE_${string}`>

export class SesBounceError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C

  /** `message`: what, where, and what would be right. */
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

/** No waiting mends it: somebody has to act. */
export function isLasting({ code }: SesBounceError): boolean {
  const row: Explained = ERRORS[code]
  return row.lasting === true
}
