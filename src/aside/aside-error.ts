/** What may pass: a task took too long, its thread died, or too much waits. The mail is refused for now. */
export class AsideError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AsideError'
  }
}
