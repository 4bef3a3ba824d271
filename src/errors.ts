// Every error of the product that stops something: its code, what it says, where it is explained.
// What passes by itself isn't here: it is retried where it happens.

export const ERRORS = {
  CONFIGURATION: { message: 'the configuration has errors', explained: 'docs/errors.md#configuration' },
  QUEUE_UNREADABLE: {
    message: "the queue's file can't be read",
    explained: 'docs/errors.md#queue-unreadable',
  },
  QUEUE_NETWORK_FS: {
    message: 'the queue lies on a network file system',
    explained: 'docs/errors.md#queue-network-fs',
  },
  QUEUE_NEWER: {
    message: "the queue's file was written by a newer version",
    explained: 'docs/errors.md#queue-newer',
  },
} as const

export type ErrorCode = keyof typeof ERRORS

export class SesBounceError extends Error {
  readonly code: ErrorCode
  /** Page and anchor, relative to the package. */
  readonly explained: string

  /** `message`: what, where, and what would be right; without one, the general words for the code. */
  constructor(code: ErrorCode, message: string = ERRORS[code].message, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SesBounceError'
    this.code = code
    this.explained = ERRORS[code].explained
  }
}
