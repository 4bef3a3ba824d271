// Reads the query of a list: filters, limit and cursor. Reports all errors at once. An unknown parameter is an error, as it may
// be a mistyped filter.

import { didYouMean, validAre } from '../config/diagnostics'
import { shortened } from '../config/escape'
import type { EpochMs } from '../units'
import { type Detail, Fault, MOST_DETAILS } from './reply'
import { rfc3339Ms } from './rfc3339'

export const STANDARD_LIMIT = 50
export const MOST_LISTED = 200
/** Longer than any value that could be found. */
const LONGEST_VALUE = 1000

export class Parameters<N extends string> {
  readonly #query: URLSearchParams
  readonly #details: Detail[] = []

  constructor(query: URLSearchParams, names: readonly N[]) {
    this.#query = query
    for (const name of new Set(query.keys())) {
      if (this.#details.length >= MOST_DETAILS) break
      const values = query.getAll(name)
      if (!names.some(known => known === name))
        this.fault(name, `there is no such parameter${didYouMean(name, names) || validAre(names)}`)
      else if (values.length > 1) this.fault(name, 'may stand once only')
      else if (values[0] === '') this.fault(name, 'is empty')
      else if ((values[0] ?? '').length > LONGEST_VALUE) this.fault(name, 'is too long')
    }
  }

  fault(field: string, message: string): undefined {
    this.#details.push({ field: shortened(field), message })
    return undefined
  }

  text(name: N): string | undefined {
    return this.#query.get(name) ?? undefined
  }

  oneOf<T extends string>(name: N, words: readonly T[]): T | undefined {
    const text = this.text(name)
    const word = words.find(one => one === text)
    if (text !== undefined && word === undefined) this.fault(name, `must be one of ${words.join(', ')}`)
    return word
  }

  time(name: N): EpochMs | undefined {
    const text = this.text(name)
    const ms = text === undefined ? undefined : rfc3339Ms(text)
    if (text !== undefined && ms === undefined)
      this.fault(name, 'is no time of RFC 3339, such as 2025-01-01T00:00:00Z')
    return ms
  }

  limit(name: N): number {
    const text = this.text(name)
    const limit = text === undefined ? STANDARD_LIMIT : wholeNumber(text)
    if (limit !== undefined && limit >= 1 && limit <= MOST_LISTED) return limit
    this.fault(name, `must be a number from 1 to ${MOST_LISTED}`)
    return STANDARD_LIMIT
  }

  /** `read` gets the text that `toCursor` got. */
  cursor<T>(name: N, read: (text: string) => T | undefined): T | undefined {
    const cursor = this.text(name)
    if (cursor === undefined) return undefined
    return (
      read(Buffer.from(cursor, 'base64url').toString('latin1')) ??
      this.fault(name, 'is none that was given out')
    )
  }

  /** @throws Fault with all errors */
  end(): void {
    if (this.#details.length > 0)
      throw new Fault(400, 'VALIDATION_ERROR', 'the query has faults', { details: this.#details })
  }
}

/** @throws Fault */
export function noParameters(query: URLSearchParams): void {
  new Parameters(query, []).end()
}

/** The reason of somebody who changes something, which is the only parameter. @throws Fault */
export function reasonIn(query: URLSearchParams): { reason?: string } {
  const given = new Parameters(query, ['reason'])
  given.end()
  const reason = given.text('reason')
  return reason === undefined ? {} : { reason }
}

/** An opaque text for clients. */
export function toCursor(position: string | number): string {
  return Buffer.from(String(position)).toString('base64url')
}

export function wholeNumber(text = ''): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
