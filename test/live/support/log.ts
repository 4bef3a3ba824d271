// What a program writes, line by line, and waiting for a line.
// A wait that ends in vain rejects with the end of the log.

import type { Readable } from 'node:stream'
import { PATIENCE_MS } from './wait'

/** Text: the line contains it. */
export type LinePattern = string | RegExp

export class LogLines {
  readonly lines: string[] = []
  readonly #onLine = new Set<(line: string) => void>()

  follow(stream: Readable): void {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) this.#add(line)
    })
    stream.on('end', () => {
      if (rest !== '') this.#add(rest)
    })
  }

  /** The first line with `pattern` from index `since` on (default: the beginning), at once if it's there already. */
  async wait(
    pattern: LinePattern,
    { since = 0, timeoutMs = PATIENCE_MS }: { since?: number; timeoutMs?: number } = {},
  ): Promise<string> {
    const found = this.lines.slice(since).find(line => matches(line, pattern))
    if (found !== undefined) return found
    return new Promise((resolve, reject) => {
      const onLine = (line: string): void => {
        // a `since` beyond the end asks for lines to come
        if (this.lines.length <= since || !matches(line, pattern)) return
        this.#onLine.delete(onLine)
        clearTimeout(timer)
        resolve(line)
      }
      const timer = setTimeout(() => {
        this.#onLine.delete(onLine)
        reject(
          new Error(
            `no line with ${String(pattern)} within ${timeoutMs} ms; the log ends with\n${this.tail()}`,
          ),
        )
      }, timeoutMs)
      // a wait that nobody awaits any more keeps no run from ending
      timer.unref()
      this.#onLine.add(onLine)
    })
  }

  tail(count = 30): string {
    return this.lines.slice(-count).join('\n')
  }

  #add(line: string): void {
    this.lines.push(line)
    for (const onLine of this.#onLine) onLine(line)
  }
}

function matches(line: string, pattern: LinePattern): boolean {
  // search, not test: a pattern with the flag g keeps its place between calls of test
  return typeof pattern === 'string' ? line.includes(pattern) : line.search(pattern) !== -1
}
