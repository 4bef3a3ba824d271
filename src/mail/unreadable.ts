// The error for a value that a rule needs and that can't be read, or not completely.
// Such a value never counts as empty: it isn't known whether the rule holds.

/** `message`: a text for the log with the reason. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnreadableError'
  }
}
