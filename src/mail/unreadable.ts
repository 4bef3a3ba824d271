// The error for a part of a mail that a rule asks for and that can never be read, or not far enough.
// It never counts as empty: it isn't known whether the rule holds.

/** Its message is one for the log: it names what can't be read and why. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnreadableError'
  }
}
