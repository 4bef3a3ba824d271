// Every error that the product throws on purpose: its code, what it means, where it is explained.
// Knows nobody. What is wrong in the case at hand is said where it is thrown.

interface Explained {
  message: string
  /** Page and anchor, relative to the package; where somebody has to act. */
  explained?: string
  /** No waiting mends it. */
  lasting?: true
}

export const ERRORS = {
  CONFIGURATION: {
    message: 'the configuration has errors',
    explained: 'docs/errors.md#configuration',
    lasting: true,
  },
  QUEUE_UNREADABLE: {
    message: "the queue's file can't be read",
    explained: 'docs/errors.md#queue-unreadable',
    lasting: true,
  },
  QUEUE_NETWORK_FS: {
    message: 'the queue lies on a network file system',
    explained: 'docs/errors.md#queue-network-fs',
    lasting: true,
  },
  QUEUE_NEWER: {
    message: "the queue's file was written by a newer version",
    explained: 'docs/errors.md#queue-newer',
    lasting: true,
  },
  QUEUE_UNWRITABLE: {
    message: "the queue's file can't be made, opened or written",
    explained: 'docs/errors.md#queue-cant-be-made',
  },
  QUEUE_BUSY: { message: 'another process is writing to the queue' },
  QUEUE_FULL: { message: 'the disk is full or failing' },
  QUEUE_ENDED: { message: 'the bounce of a recipient has ended meanwhile' },
  QUEUE_LOCK_LOST: { message: 'another dispatcher has taken over the queue' },
  QUEUE_OTHER: { message: 'a fault of the database that has no name here' },
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

/** Of the queue: the only one for whose callers a passing fault differs from a lasting one. */
export class QueueError extends SesBounceError<QueueErrorCode> {
  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.name = 'QueueError'
  }
}

/** No waiting mends it: somebody has to act. */
export function isLasting({ code }: SesBounceError): boolean {
  const row: Explained = ERRORS[code]
  return row.lasting === true
}
