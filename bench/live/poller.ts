// One who looks at the pages and asks the API, and knows how long each answer took. Rejects what isn't answered as asked.

import http from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export interface Question {
  path: string
  /** As JSON; then it is a POST. */
  body?: unknown
}

/** While a web server starts. */
const AGAIN_MS = 5
const PATIENCE_MS = 20_000

export class Poller {
  readonly #port: number
  readonly #token: string
  readonly #agent = new http.Agent({ keepAlive: true })

  constructor(port: number, token: string) {
    this.#port = port
    this.#token = token
  }

  /** Milliseconds from the question to the end of the answer. */
  async ask(question: Question): Promise<number> {
    const startedMs = performance.now()
    const { status, text } = await this.#answer(question)
    const tookMs = performance.now() - startedMs
    if (status !== 200 && status !== 202)
      throw new Error(`${question.path} is answered with ${status}: ${text.slice(0, 500)}`)
    return tookMs
  }

  /** The same, once there is a web server. */
  async askFirst(question: Question): Promise<number> {
    const endMs = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        return await this.ask(question)
      } catch (error) {
        const isThere = !(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
        if (isThere || performance.now() > endMs) throw error
        await pause(AGAIN_MS)
      }
    }
  }

  /** Asks again and again, whether an answer has come or not, until `work` is done. Resolves with how often. */
  async askWhile(question: Question, everyMs: number, work: () => Promise<unknown>): Promise<number> {
    const answers: Promise<number>[] = []
    const timer = setInterval(() => answers.push(this.ask(question)), everyMs)
    try {
      await work()
    } finally {
      clearInterval(timer)
    }
    return (await Promise.all(answers)).length
  }

  close(): void {
    this.#agent.destroy()
  }

  #answer({ path, body }: Question): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = http.request({
        port: this.#port,
        agent: this.#agent,
        path: `/ses-bounce${path}`,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          Authorization: `Bearer ${this.#token}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
      })
      request.once('error', reject)
      request.once('response', response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        )
      })
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}
