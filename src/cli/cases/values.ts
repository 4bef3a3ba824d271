// Reads the values of a test case's keys by their types.
// Never throws: a faulty value is reported at its line, and read as missing.

import { isIP } from 'node:net'
import { didYouMean } from '../../config/diagnostics'
import type { IniEntry } from '../../config/ini'
import { splitItems, wholeValue } from '../../config/items'
import type { ValueParser } from '../../config/value-parsers'
import { DURATION_FORM, parseSizeBytes, SIZE_FORM } from '../../config/values'
import { parseAddress, withoutBrackets } from '../../mail/address'
import { parseAt } from '../explain/options'

export type Report = (line: number, message: string) => void

export class CaseValues {
  readonly #entries: ReadonlyMap<string, IniEntry>
  readonly #report: Report

  constructor(entries: readonly IniEntry[], report: Report) {
    this.#entries = new Map(entries.map(entry => [entry.key, entry]))
    this.#report = report
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  lineOf(key: string): number {
    return this.#entries.get(key)?.line ?? 0
  }

  fault(key: string, message: string): undefined {
    this.#report(this.lineOf(key), `"${key}" ${message}`)
    return undefined
  }

  faultOf(line: number, message: string): void {
    this.#report(line, message)
  }

  /** The value unchanged. It may be empty. */
  text(key: string): string | undefined {
    const entry = this.#entries.get(key)
    return entry && wholeValue(entry.value)
  }

  /** The value, with `\n` for a line end. */
  lines(key: string): string | undefined {
    return this.text(key)?.replaceAll('\\n', '\r\n')
  }

  /** Never empty. */
  list(key: string): string[] | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const { items, fault } = splitItems(entry.value)
    if (fault !== undefined) return this.fault(key, `can't be read: ${fault}`)
    if (items.length === 0) return this.fault(key, 'needs a value')
    return items.map(({ text }) => text)
  }

  oneOf<T extends string>(key: string, words: readonly T[]): T | undefined {
    const text = this.text(key)
    return text === undefined ? undefined : this.#word(key, text, words)
  }

  someOf<T extends string>(key: string, words: readonly T[]): T[] | undefined {
    const read = this.list(key)?.map(text => this.#word(key, text, words))
    return read?.every(word => word !== undefined) ? read : undefined
  }

  /** '' is the null sender. */
  sender(key: string): string | undefined {
    const text = this.text(key)
    if (text === undefined || text === '<>') return text && ''
    return this.#address(key, text)
  }

  addresses(key: string): string[] | undefined {
    const read = this.list(key)?.map(text => this.#address(key, text))
    return read?.every(address => address !== undefined) ? read : undefined
  }

  /** A value without blanks. */
  word(key: string): string | undefined {
    const text = this.text(key)
    if (text === undefined || /^\S+$/.test(text)) return text
    return this.fault(key, `can't be "${text}"; it is one word`)
  }

  /** Reads the value like a key of ses-bounce.ini. */
  kind<T>(key: string, kind: ValueParser<T>): T | undefined {
    const entry = this.#entries.get(key)
    const read = entry && kind.read(entry.value, key)
    if (read === undefined || 'value' in read) return read?.value
    this.#report(this.lineOf(key), read.fault)
    return undefined
  }

  ip(key: string): string | undefined {
    const text = this.text(key)
    if (text === undefined || isIP(text) !== 0) return text
    return this.fault(key, `can't be "${text}"; it is an IP address`)
  }

  durationMs(key: string): number | undefined {
    const text = this.text(key)
    const read = text === undefined ? undefined : parseAt(text)
    if (read && 'afterMs' in read) return read.afterMs
    return text === undefined ? undefined : this.fault(key, `can't be "${text}"; write ${DURATION_FORM}`)
  }

  sizesBytes(key: string): number[] | undefined {
    const read = this.list(key)?.map(text => {
      const bytes = parseSizeBytes(text)
      return bytes === undefined
        ? this.fault(key, `can't be "${text}"; write ${SIZE_FORM}`)
        : Math.round(bytes)
    })
    return read?.every(bytes => bytes !== undefined) ? read : undefined
  }

  #word<T extends string>(key: string, text: string, words: readonly T[]): T | undefined {
    const word = words.find(known => known.toLowerCase() === text.toLowerCase())
    if (word !== undefined) return word
    return this.fault(key, `can't be "${text}"; valid are ${words.join(', ')}${didYouMean(text, words)}`)
  }

  #address(key: string, text: string): string | undefined {
    if (parseAddress(text) !== undefined) return withoutBrackets(text)
    return this.fault(key, `can't be "${text}"; it is an address`)
  }
}
