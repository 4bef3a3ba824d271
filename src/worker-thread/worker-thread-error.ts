/**
 * A temporary failure: a task took too long, its thread died, or too many tasks wait. The mail gets a temporary
 * refusal.
 */
export class WorkerThreadError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WorkerThreadError'
  }
}
