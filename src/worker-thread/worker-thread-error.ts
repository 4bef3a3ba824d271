/** What may pass: a task took too long, its thread died, or too much waits. The mail is refused for now. */
export class WorkerThreadError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WorkerThreadError'
  }
}
