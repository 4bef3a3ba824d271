// Values and addresses of a header's fields. Each field is decoded once, at the first call for it. Never throws.
// The cost of one header is limited. Fields beyond the limit are reported as cut, and prove nothing.

import type { HeaderFacts } from './facts'
import { eachMailbox } from './mailboxes'
import type { Field } from './split-fields'

export interface Decoders {
  /** Decodes the encoded words of a field's value (RFC 2047). */
  decodeWords(text: string): string
  /** The addresses in an address field's value, members of groups included. */
  addressesIn(text: string): string[]
}

/** Raw characters of one header whose encoded words are decoded: 128 KB take up to 20 ms. */
const ENCODED_CHARACTERS = 128 * 1024
/** Longer address fields are split into mailboxes before parsing, so that text without an `@` costs nothing. */
const WHOLE_CHARACTERS = 64 * 1024
/**
 * The cost limit of reading one header's addresses, in characters; each `@` counts as several. It is enough for some
 * 3,500 recipients, and takes 50 ms at most.
 */
const ADDRESS_COST = 500_000
const COST_OF_AT = 100
/** RFC 5321 section 4.5.3.1.3 allows 256 octets for an address; the rest is for a name. Longer mailboxes aren't read. */
const MAILBOX_CHARACTERS = 1000

interface Reading {
  texts: readonly string[]
  isCut: boolean
}

/** The fields of a header, from top to bottom. */
export interface HeaderFields {
  readonly fields: readonly Field[]
  /** No reading of the header can reach a limit. */
  readonly isSmall: boolean
  /** `name`: in lower case. */
  named(name: string): readonly Field[]
}

/** `isCut`: the fields are only the header's beginning, and the last one may be incomplete. */
export function headerFacts(header: HeaderFields, decoders: Decoders, isCut = false): HeaderFacts {
  const encoded = allowances(header, field => (isEncoded(field) ? field.raw.length : 0), ENCODED_CHARACTERS)
  const addressed = allowances(header, addressCost, ADDRESS_COST)
  const values = readOnce(header, field => {
    const isCut = isEncoded(field) && !header.isSmall && !encoded(field).isWhole
    return { texts: [isCut || !isEncoded(field) ? field.raw : decoders.decodeWords(field.raw)], isCut }
  })
  const addresses = readOnce(header, field => {
    if (!field.raw.includes('@')) return { texts: [], isCut: false }
    const { allowed, isShort } = header.isSmall ? SMALL : addressed(field)
    // a break of Haraka's can be inside an address
    if (!isShort) return readMailboxes(readingsOf(field), allowed, decoders)
    const [first = [], second = []] = readingsOf(field).map(text => decoders.addressesIn(text))
    const known = second.length === 0 ? undefined : new Set(first)
    return { texts: [...first, ...second.filter(address => !known?.has(address))], isCut: false }
  })
  return {
    values: name => values(name).texts,
    valuesAreCut: name => isCut || values(name).isCut,
    addresses: name => addresses(name).texts,
    addressesAreCut: name => isCut || addresses(name).isCut,
  }
}

/** RFC 2047 section 2. */
function isEncoded({ raw }: Field): boolean {
  return raw.includes('=?')
}

export class FieldList implements HeaderFields {
  readonly fields: readonly Field[]
  readonly isSmall = false
  #named: Map<string, Field[]> | undefined

  constructor(fields: readonly Field[]) {
    this.fields = fields
  }

  named(name: string): readonly Field[] {
    this.#named ??= groupByName(this.fields)
    return this.#named.get(name) ?? []
  }
}

function groupByName(fields: readonly Field[]): Map<string, Field[]> {
  const named = new Map<string, Field[]>()
  for (const field of fields) {
    const known = named.get(field.name)
    if (known === undefined) named.set(field.name, [field])
    else known.push(field)
  }
  return named
}

/** The cost of reading a field. 0: there is nothing to read. */
type CostOf = (field: Field) => number

interface Allowance {
  /** The cost that reading the field may have. */
  allowed: number
  isWhole: boolean
  /** The cost of the whole header is below the limit. */
  isShort: boolean
}

/**
 * Counts costs from the top of the header, whatever field is read first, so that every reading of a mail gives the same.
 */
function allowances(header: HeaderFields, costOf: CostOf, limit: number): (field: Field) => Allowance {
  let known: Map<Field, Allowance> | undefined
  const allot = () => {
    const costs = header.fields.map(field => ({ field, cost: costOf(field) }))
    const length = costs.reduce((sum, { field, cost }) => (cost > 0 ? sum + lengthOf(field) : sum), 0)
    const isShort = length <= WHOLE_CHARACTERS
    let rest = limit
    return new Map(
      costs.map(({ field, cost }) => {
        const allowed = Math.min(rest, cost)
        rest -= allowed
        return [field, { allowed, isWhole: allowed === cost, isShort }]
      }),
    )
  }
  return field => {
    known ??= allot()
    return known.get(field) ?? { allowed: 0, isWhole: false, isShort: false }
  }
}

const SMALL: Allowance = { allowed: ADDRESS_COST, isWhole: true, isShort: true }

/** Whether no reading of the header can reach a limit, whatever its fields are. */
export function isSmallHeader(lines: readonly string[]): boolean {
  let length = 0
  let ats = 0
  for (const line of lines) {
    length += line.length
    for (let at = line.indexOf('@'); at >= 0; at = line.indexOf('@', at + 1)) ats++
  }
  // each line may be read in two ways, and end with a break of Haraka's
  const cost = ats * (MAILBOX_CHARACTERS + COST_OF_AT) + lines.length * 2 * COST_OF_AT
  return length * 2 <= WHOLE_CHARACTERS && cost <= ADDRESS_COST
}

function readingsOf({ raw, joined }: Field): string[] {
  return joined === undefined ? [raw] : [raw, joined]
}

function lengthOf(field: Field): number {
  return readingsOf(field).reduce((sum, text) => sum + text.length, 0)
}

/** In the second reading only mailboxes around a break differ: at most two for each break. */
function addressCost({ raw, joined = raw }: Field): number {
  return costOfAddresses(raw) + (raw.length - joined.length) * 2 * COST_OF_AT
}

function costOfAddresses(text: string): number {
  let ats = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) ats++
  return Math.min(text.length, ats * MAILBOX_CHARACTERS) + ats * COST_OF_AT
}

/** Reads mailbox by mailbox within the allowance. From a second reading it reads only mailboxes that the first lacks. */
function readMailboxes(readings: readonly string[], allowed: number, decoders: Decoders): Reading {
  const texts: string[] = []
  let rest = allowed
  let isCut = false
  const read = (piece: string): boolean => {
    rest -= costOfAddresses(piece)
    if (rest < 0 || piece.length > MAILBOX_CHARACTERS) isCut = true
    else texts.push(...decoders.addressesIn(piece))
    return rest >= 0
  }
  const [first = '', joined] = readings
  const seen = joined === undefined ? undefined : new Set<string>()
  eachMailbox(first, piece => {
    seen?.add(piece.trim())
    return read(piece)
  })
  if (joined !== undefined && rest >= 0) eachMailbox(joined, piece => seen?.has(piece.trim()) || read(piece))
  return { texts, isCut }
}

function readOnce(header: HeaderFields, read: (field: Field) => Reading): (name: string) => Reading {
  const known = new Map<string, Reading>()
  return anyCase => {
    const name = anyCase.toLowerCase()
    const before = known.get(name)
    if (before !== undefined) return before
    const readings = header.named(name).map(read)
    const reading = {
      texts: readings.flatMap(({ texts }) => texts),
      isCut: readings.some(({ isCut }) => isCut),
    }
    known.set(name, reading)
    return reading
  }
}
