// Reads the plugin's new lines in Haraka's log. Skips lines of other plugins, and incomplete lines.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import path from 'node:path'

export interface LogLine {
  level: string
  /** The line without time, level and the plugin's name. */
  text: string
  /** key=value pairs in it. */
  values: Readonly<Record<string, string>>
}

export function logFile(dir: string): string {
  return path.join(dir, 'haraka.log')
}

export class HarakaLog {
  readonly #file: string
  #offset = 0
  #rest = ''

  constructor(dir: string) {
    this.#file = logFile(dir)
  }

  /** The plugin's lines since the last call. */
  news(): LogLine[] {
    const lines = `${this.#rest}${this.#readOn()}`.split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.flatMap(line => parse(line) ?? [])
  }

  #readOn(): string {
    const descriptor = openSync(this.#file, 'r')
    try {
      const size = fstatSync(descriptor).size
      const news = Buffer.alloc(Math.max(0, size - this.#offset))
      const read = readSync(descriptor, news, 0, news.length, this.#offset)
      this.#offset += read
      return news.toString('latin1', 0, read)
    } finally {
      closeSync(descriptor)
    }
  }
}

function parse(line: string): LogLine | undefined {
  const [, level, text] = /\[(\w+)\] \[[^\]]*\] \[ses-bounce\] (.*)$/.exec(line) ?? []
  if (level === undefined || text === undefined) return undefined
  const pairs = text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g)
  const values = Object.fromEntries([...pairs].map(([, key = '', value = '']) => [key, unquoted(value)]))
  return { level: level.toLowerCase(), text, values }
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : value
}
