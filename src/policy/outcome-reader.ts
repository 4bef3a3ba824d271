// Reads the values of outcome keys: words, flags, lists, statuses, templates.
// Never throws: a value that can't be used is reported at its line, and then treated as missing.

import { didYouMean } from '../config/diagnostics'
import type { IniEntry } from '../config/ini'
import { wholeValue } from '../config/items'
import { recipientList } from '../config/list-parsers'
import type { Rate } from '../config/settings'
import { parseRate } from '../config/value-parsers'
import { printable } from '../mail/printable'
import { bounceSenderFault } from './bounce'
import {
  ADDRESS_NAMES,
  hasStrayBrace,
  ownCharacters,
  parseTemplate,
  type Template,
  type TemplateName,
} from './templates'

export interface Reporter {
  error(line: number, message: string): void
  warn(line: number, message: string): void
}

export class OutcomeReader {
  readonly #entries: ReadonlyMap<string, IniEntry>
  readonly #report: Reporter
  readonly #names: readonly TemplateName[]

  /** `names`: those that the rule's texts may hold. */
  constructor(entries: readonly IniEntry[], report: Reporter, names: readonly TemplateName[]) {
    this.#names = names
    this.#entries = new Map(entries.map(entry => [entry.key, entry]))
    this.#report = report
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  fault(key: string, message: string): undefined {
    this.#report.error(this.#entries.get(key)?.line ?? 0, `"${key}" ${message}`)
    return undefined
  }

  /** Undefined: the key is missing, or empty, which is reported. */
  text(key: string): string | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const text = wholeValue(entry.value)
    return text === '' ? this.fault(key, 'needs a value') : text
  }

  oneOf<T extends string>(key: string, values: readonly T[]): T | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const value = values.find(known => known.toLowerCase() === text.toLowerCase())
    if (value !== undefined) return value
    return this.fault(key, `can't be "${text}"; valid are ${values.join(', ')}${didYouMean(text, values)}`)
  }

  flag(key: string): boolean | undefined {
    const value = this.oneOf(key, ['true', 'false'] as const)
    return value === undefined ? undefined : value === 'true'
  }

  /** In the form of [guard] role_addresses; the list may be empty. */
  list(key: string): string[] | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const read = recipientList.read(entry.value, key)
    if ('value' in read) return read.value
    this.#report.error(entry.line, read.fault)
    return undefined
  }

  status(key: string): string | undefined {
    const text = this.text(key)
    // RFC 3463 section 2
    if (text === undefined || /^[45]\.\d{1,3}\.\d{1,3}$/.test(text)) return text
    return this.fault(key, `can't be "${text}"; write a status of class 4 or 5, as 5.7.1`)
  }

  /** `text`: the part of the value that is the template. */
  template(key: string, text: string | undefined, limit: number): Template | undefined {
    if (text === undefined) return undefined
    const { template, faults } = parseTemplate(text, this.#names)
    for (const fault of faults) this.fault(key, `can't be used: ${fault}`)
    const length = ownCharacters(template)
    if (length > limit) this.warn(key, `has ${length} characters; the text is cut after ${limit}`)
    if (printable(text) !== text) this.warn(key, 'has characters other than printable ASCII; they become "?"')
    if (hasStrayBrace(template)) this.warn(key, 'has a brace outside a {name}; it is left as it is')
    if (/^"[^"]*"$/.test(text)) this.warn(key, 'is in quotes, which its reader would see; leave them out')
    return template
  }

  address(key: string): Template | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const { template, faults } = parseTemplate(text, ADDRESS_NAMES)
    // a template has "?" for other characters than ASCII, and "?" is valid in an address
    const isPlain = printable(text) === text && !hasStrayBrace(template)
    const wrong =
      faults[0] ?? (isPlain ? bounceSenderFault(template) : `"${text}" wouldn't be an address of plain ASCII`)
    return wrong === undefined ? template : this.fault(key, `can't be used: ${wrong}`)
  }

  rate(key: string): Rate | undefined {
    const text = this.text(key)
    const rate = text === undefined ? undefined : parseRate(text)
    if (text === undefined || rate !== undefined) return rate
    return this.fault(key, `can't be "${text}"; write a number per minute, hour or day, as 10/day`)
  }

  warn(key: string, message: string): void {
    this.#report.warn(this.#entries.get(key)?.line ?? 0, `"${key}" ${message}`)
  }
}
