// Loads the pages and calls the API, and measures the time of each answer. Rejects for an unexpected answer.

import http from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export interface Question {
  path: string
  /** Sent as JSON by POST. */
  body?: unknown
}

/** Pause between attempts while a web server starts. */
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

  /** Resolves with the milliseconds from the request to the end of the answer. */
  async ask(question: Question): Promise<number> {
    const startedMs = performance.now()
    const { status, text } = await this.#answer(question)
    const tookMs = performance.now() - startedMs
    if (status !== 200 && status !== 202)
      throw new Error(`${question.path} is answered with ${status}: ${text.slice(0, 500)}`)
    return tookMs
  }

  /** The same, but waits for a web server first. */
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

  /** Sends requests at fixed times until `work` is done, without waiting for answers. Resolves with their number. */
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
