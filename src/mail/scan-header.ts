// Reads the header without a parser: fields are split when the first one is asked for, and each is unfolded and decoded when
// it is asked for itself. Rules are asked over this reading; before a bounce mailparser reads the header too
// (read-facts.ts). Never throws; a header costs time linear in its length.

import { DATA_LINE_LENGTH, possibleBreaks } from './broken-lines'
import type { HeaderFacts } from './facts'
import { cleanLine, decoders, type Header, isContinuation, peersLines } from './header'
import { type HeaderFields, headerFacts, isSmallHeader } from './header-facts'
import { type Field, readField } from './split-fields'

/** The parameters are those of readHeader. */
export function scanHeader(
  headerLines: readonly string[],
  ownFields: number,
  lineLength: number = DATA_LINE_LENGTH,
  isCut = false,
): Header {
  const scanner = new Scanner(peersLines(headerLines, ownFields), lineLength)
  return new ScannedHeader(scanner, headerFacts(scanner, decoders, isCut))
}

/** A class, as a getter in an object literal would keep each mail until the next full garbage collection. */
class ScannedHeader implements Header {
  readonly facts: HeaderFacts
  readonly #scanner: Scanner

  constructor(scanner: Scanner, facts: HeaderFacts) {
    this.#scanner = scanner
    this.facts = facts
  }

  get fields(): readonly Field[] {
    return this.#scanner.fields
  }
}

class Scanner implements HeaderFields {
  readonly #lines: readonly string[]
  readonly #lineLength: number
  readonly #made = new Map<number, ScannedField>()
  #fields: readonly Field[] | undefined
  #isSmall: boolean | undefined

  /** `lines`: without continuations at the top. */
  constructor(lines: readonly string[], lineLength: number) {
    this.#lines = lines
    this.#lineLength = lineLength
  }

  get fields(): readonly Field[] {
    this.#fields ??= this.#scan()
    return this.#fields
  }

  get isSmall(): boolean {
    this.#isSmall ??= isSmallHeader(this.#lines)
    return this.#isSmall
  }

  named(name: string): readonly Field[] {
    if (this.#fields !== undefined || name === '') return this.fields.filter(field => field.name === name)
    return this.#scan(name)
  }

  /** The same field each time, as it keeps the cost of its reading. */
  #fieldAt(at: number, end: number): ScannedField {
    const field = this.#made.get(at) ?? new ScannedField(this.#lines, at, end, this.#lineLength)
    this.#made.set(at, field)
    return field
  }

  /** `wanted`: the name of the fields, in lower case. */
  #scan(wanted?: string): ScannedField[] {
    const [lines, fields] = [this.#lines, [] as ScannedField[]]
    for (let at = 0; at < lines.length; ) {
      let end = at + 1
      while (end < lines.length && isContinuation(lines[end] ?? '')) end++
      if (wanted === undefined || mayBegin(lines[at] ?? '', wanted)) {
        const field = this.#fieldAt(at, end)
        if (wanted === undefined || field.name === wanted) fields.push(field)
      }
      at = end
    }
    return fields
  }
}

/** A name begins with the first letter of its line. */
function mayBegin(line: string, name: string): boolean {
  return (line.charCodeAt(0) | CASE_BIT) === (name.charCodeAt(0) | CASE_BIT)
}

/** The bit in which ASCII's upper and lower case differ. */
const CASE_BIT = 0x20

const COLON = 0x3a
/** RFC 5322 section 2.2: a field's name is printable ASCII without a colon. */
const FIRST_OF_NAME = 0x21
const LAST_OF_NAME = 0x7e

const UNBROKEN: readonly boolean[] = []

class ScannedField implements Field {
  readonly name: string
  readonly #lines: readonly string[]
  readonly #at: number
  readonly #end: number
  readonly #lineLength: number
  #read: Field | undefined

  /** Takes the lines from `at` to before `end`. */
  constructor(lines: readonly string[], at: number, end: number, lineLength: number) {
    this.#lines = lines
    this.#at = at
    this.#end = end
    this.#lineLength = lineLength
    this.name = plainName(lines[at] ?? '') ?? this.#field.name
  }

  get raw(): string {
    return this.#field.raw
  }

  get joined(): string | undefined {
    return this.#field.joined
  }

  get #field(): Field {
    if (this.#read !== undefined) return this.#read
    const lines = this.#lines.slice(this.#at, this.#end)
    const breaks = possibleBreaks(lines, this.#lineLength)
    const clean = lines.map(cleanLine)
    if (breaks.size === 0) {
      this.#read = readField(clean.includes('') ? clean.filter(line => line !== '') : clean, UNBROKEN)
      return this.#read
    }
    // Haraka can leave an empty line in a header; it belongs to no field
    const isThere = (_: unknown, index: number) => clean[index] !== ''
    this.#read = readField(clean.filter(isThere), clean.map((_, index) => breaks.has(index)).filter(isThere))
    return this.#read
  }
}

/** In lower case. Undefined: no colon follows it directly, so the whole field must be read. */
function plainName(line: string): string | undefined {
  for (let at = 0; at < line.length; at++) {
    const unit = line.charCodeAt(at)
    if (unit === COLON) return at === 0 ? undefined : line.slice(0, at).toLowerCase()
    if (unit < FIRST_OF_NAME || unit > LAST_OF_NAME) return undefined
  }
  return undefined
}
