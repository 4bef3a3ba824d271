// Something in a mail that a rule asks for and that nobody will ever be able to read, or not as far as needed.
// It is never taken for empty: the rule has no answer, which is another thing than "no".

/** Its message is one for the log: it names what can't be read and why. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnreadableError'
  }
}
