// What can go wrong with the queue, for callers that must tell a passing fault from a lasting one.

export type QueueErrorCode =
  | 'BUSY'
  | 'FULL'
  | 'UNREADABLE'
  | 'UNWRITABLE'
  | 'NEWER'
  | 'NETWORK_FS'
  | 'ENDED'
  | 'LOCK_LOST'
  | 'OTHER'

export class QueueError extends Error {
  readonly code: QueueErrorCode

  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'QueueError'
    this.code = code
  }
}

/** No waiting mends it: somebody has to act. */
export function isLasting(error: QueueError): boolean {
  return error.code === 'UNREADABLE' || error.code === 'NEWER' || error.code === 'NETWORK_FS'
}
