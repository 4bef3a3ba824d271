// Values and addresses of a header's fields, decoded when they are first asked for, each field once.
// Never throws. What one header can cost is bounded; what lies beyond the bound is said to be cut, and proves nothing.

import type { HeaderFacts } from './facts'
import type { Field } from './split-fields'

export interface Decoders {
  /** RFC 2047. */
  decodeWords(text: string): string
  /** The addresses in the value of an address field, groups opened. */
  addressesIn(text: string): string[]
}

/** So much raw text of one header is searched for addresses: 64 KB cost up to 25 ms, and hold some 1,500 recipients. */
const ADDRESS_CHARACTERS = 64 * 1024
/** So much raw text of one header has its encoded words decoded: 128 KB cost up to 20 ms. */
const ENCODED_CHARACTERS = 128 * 1024

interface Reading {
  texts: readonly string[]
  isCut: boolean
}

export function headerFacts(fields: readonly Field[], decoders: Decoders): HeaderFacts {
  const named = byName(fields)
  const encoded = allowances(fields, '=?', ENCODED_CHARACTERS)
  const addressed = allowances(fields, '@', ADDRESS_CHARACTERS)
  const values = readOnce(named, field => {
    const isCut = encoded(field) < field.raw.length
    return { texts: [isCut ? field.raw : decoders.decodeWords(field.raw)], isCut }
  })
  const addresses = readOnce(named, field => {
    const allowed = addressed(field)
    if (allowed >= field.raw.length)
      return { texts: field.raw.includes('@') ? decoders.addressesIn(field.raw) : [], isCut: false }
    // the last one may have lost its end, and be somebody else's address then
    return { texts: decoders.addressesIn(field.raw.slice(0, allowed)).slice(0, -1), isCut: true }
  })
  return {
    values: name => values(name).texts,
    valuesAreCut: name => values(name).isCut,
    addresses: name => addresses(name).texts,
    addressesAreCut: name => addresses(name).isCut,
  }
}

function byName(fields: readonly Field[]): (name: string) => readonly Field[] {
  const named = new Map<string, Field[]>()
  for (const field of fields) {
    const known = named.get(field.name)
    if (known === undefined) named.set(field.name, [field])
    else known.push(field)
  }
  return name => named.get(name) ?? []
}

/**
 * How many characters of a field may be decoded: counted from the top of the header, and not by which field is asked for
 * first, so that a mail is read alike each time. A field without the sign has nothing to decode.
 */
function allowances(fields: readonly Field[], sign: string, limit: number): (field: Field) => number {
  let allowed: Map<Field, number> | undefined
  const allot = () => {
    const made = new Map<Field, number>()
    let rest = limit
    for (const field of fields) {
      if (!field.raw.includes(sign)) continue
      made.set(field, Math.min(rest, field.raw.length))
      rest = Math.max(0, rest - field.raw.length)
    }
    return made
  }
  return field => {
    allowed ??= allot()
    return allowed.get(field) ?? Number.POSITIVE_INFINITY
  }
}

function readOnce(
  named: (name: string) => readonly Field[],
  read: (field: Field) => Reading,
): (name: string) => Reading {
  const known = new Map<string, Reading>()
  return anyCase => {
    const name = anyCase.toLowerCase()
    const before = known.get(name)
    if (before !== undefined) return before
    const readings = named(name).map(read)
    const reading = {
      texts: readings.flatMap(({ texts }) => texts),
      isCut: readings.some(({ isCut }) => isCut),
    }
    known.set(name, reading)
    return reading
  }
}
