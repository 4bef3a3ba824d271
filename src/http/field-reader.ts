// Reads the fields of a JSON object (texts, flags, lists of objects) and collects the errors of each.
// Never throws. A value that can't be read gives undefined.

import { didYouMean, validAre } from '../config/diagnostics'
import { shortened } from '../config/escape'
import type { Result } from '../errors'
import { type Detail, MOST_DETAILS } from './reply'

/** The parts of a JSON Schema that the reader uses. */
export interface ObjectSchema {
  required: readonly string[]
  properties: Readonly<Record<string, { type: string; maxItems?: number; items?: ObjectSchema }>>
}

export class FieldReader {
  readonly details: Detail[]
  readonly #value: Readonly<Record<string, unknown>> | undefined
  readonly #schema: ObjectSchema
  readonly #prefix: string

  /** `prefix`: before the names of fields, such as `recipients[0].`. Errors are added to `details`. */
  constructor(value: unknown, schema: ObjectSchema, prefix = '', details: Detail[] = []) {
    this.details = details
    this.#schema = schema
    const names = Object.keys(schema.properties)
    this.#prefix = prefix
    if (!isObject(value)) {
      const field = prefix.replace(/\.$/, '')
      this.details.push({ field, message: 'must be an object' })
      return
    }
    this.#value = value
    for (const name of Object.keys(value)) {
      if (details.length >= MOST_DETAILS) break
      if (!names.includes(name))
        this.fault(shortened(name), `there is no such field${didYouMean(name, names) || validAre(names)}`)
    }
  }

  /** `field`: without the prefix. */
  fault(field: string, message: string): undefined {
    if (this.details.length < MOST_DETAILS) this.details.push({ field: this.#prefix + field, message })
    return undefined
  }

  text<T extends string | number>(name: string, read: (text: string) => Result<T>): T | undefined {
    const value = this.#get(name)
    if (value === undefined) return this.#missing(name)
    if (typeof value !== 'string') return this.fault(name, 'must be a text')
    const taken = read(value)
    return 'fault' in taken ? this.fault(name, taken.fault) : taken.value
  }

  flag(name: string): boolean | undefined {
    const value = this.#get(name)
    if (value === undefined || typeof value === 'boolean') return value
    return this.fault(name, 'must be true or false')
  }

  /** Reads a list of at least one object. Undefined: not all of them could be read. */
  list<T>(name: string, read: (reader: FieldReader) => T | undefined): T[] | undefined {
    const { maxItems = 0, items = { required: [], properties: {} } } = this.#schema.properties[name] ?? {}
    const value = this.#get(name)
    if (value === undefined) return this.#missing(name)
    if (!Array.isArray(value) || value.length === 0)
      return this.fault(name, 'must be a list, with one at least')
    if (value.length > maxItems) return this.fault(name, `has ${value.length}; ${maxItems} is the most`)
    const all = value.map((one: unknown, index) =>
      read(new FieldReader(one, items, `${this.#prefix}${name}[${index}].`, this.details)),
    )
    const taken = all.filter(one => one !== undefined)
    return taken.length === all.length ? taken : undefined
  }

  #missing(name: string): undefined {
    if (this.#value && this.#schema.required.includes(name)) this.fault(name, 'is missing')
  }

  #get(name: string): unknown {
    return this.#value && Object.hasOwn(this.#value, name) ? this.#value[name] : undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
