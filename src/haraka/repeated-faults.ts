// While the queue can't be used, each mail fails for the same reason: the first is logged, then one line a minute says how
// many more there were. Faults of the program itself are logged each time.

import { type ErrorCode, SesBounceError } from '../errors'
import { errorText } from './error-text'

export const REPEAT_MS = 60_000

type LogError = (message: string) => void

export class RepeatedFaults {
  /** Mails since the last line, by the kind of fault. */
  readonly #since = new Map<ErrorCode, { mails: number; text: string }>()
  readonly #repeatMs: number

  constructor(repeatMs = REPEAT_MS) {
    this.#repeatMs = repeatMs
  }

  /** `log` writes the line about this mail, `later` the line about several. */
  note(error: unknown, { log, later }: { log: LogError; later: LogError }): void {
    const text = `temporary refusal: ${errorText(error)}`
    if (!(error instanceof SesBounceError)) {
      log(text)
      return
    }
    const since = this.#since.get(error.code)
    if (since) {
      since.mails++
      since.text = text
      return
    }
    log(text)
    this.#since.set(error.code, { mails: 0, text })
    this.#wait(error.code, later)
  }

  #wait(code: ErrorCode, log: LogError): void {
    setTimeout(() => {
      const since = this.#since.get(code)
      if (since === undefined || since.mails === 0) {
        this.#since.delete(code)
        return
      }
      const { mails, text } = since
      this.#since.set(code, { mails: 0, text })
      this.#wait(code, log)
      log(`${text}; ${mails} more ${mails === 1 ? 'mail' : 'mails'} in the last ${this.#repeatMs / 1000} s`)
    }, this.#repeatMs).unref()
  }
}
