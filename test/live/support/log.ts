// Keeps the lines of a program's output, and waits for a line.
// A wait that ends in vain rejects with the end of the log.

import { existsSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { PATIENCE_MS, until } from './wait'

/** Text: the line contains it. */
export type LinePattern = string | RegExp

export interface Log {
  readonly lines: readonly string[]
  /** The first line with `pattern` from index `since` on (default: the beginning), at once if it's there already. */
  wait(pattern: LinePattern, options?: WaitForLine): Promise<string>
  tail(): string
}

export interface WaitForLine {
  since?: number
  timeoutMs?: number
}

export class LogLines implements Log {
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

  async wait(
    pattern: LinePattern,
    { since = 0, timeoutMs = PATIENCE_MS }: WaitForLine = {},
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

  tail(): string {
    return tailOf(this.lines)
  }

  #add(line: string): void {
    this.lines.push(line)
    for (const onLine of this.#onLine) onLine(line)
  }
}

/** A log that a program writes into a file by itself. */
export class LogFile implements Log {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  get lines(): string[] {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8').trimEnd().split('\n') : []
  }

  wait(pattern: LinePattern, { since = 0, timeoutMs = PATIENCE_MS }: WaitForLine = {}): Promise<string> {
    return until(() => this.lines.slice(since).find(line => matches(line, pattern)), {
      timeoutMs,
      what: `a line with ${String(pattern)} in ${this.#file}`,
    })
  }

  tail(): string {
    return tailOf(this.lines)
  }
}

const TAIL_LINES = 30

function tailOf(lines: readonly string[]): string {
  return lines.slice(-TAIL_LINES).join('\n')
}

function matches(line: string, pattern: LinePattern): boolean {
  // search, not test: a pattern with the flag g keeps its place between calls of test
  return typeof pattern === 'string' ? line.includes(pattern) : line.search(pattern) !== -1
}
