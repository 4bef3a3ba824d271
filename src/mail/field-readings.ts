// Reads a header for guards, as leniently as any mail program: where programs differ, it gives every reading.
// It may find too much, never too little, and proves nothing. Takes linear time, and limits the text of each name.

import { isContinuation, peersLines } from './header'

export interface FieldReadings {
  /** All fields of that name from top to bottom, each in every reading: unfolded, and with encoded words decoded. */
  texts: readonly string[]
  /** True: the texts were cut at the limit, so there may be more. */
  areCut: boolean
}

/** Characters of all fields of one name. Real mail stays far below in the fields that guards read. */
const LIMIT_CHARACTERS = 64 * 1024

/** Bare CRs in one header, each of which may begin a field. Real mail has none. */
const LIMIT_BARE_CRS = 1000

/** RFC 2047 section 2, also with blanks in the text or without its end. */
const ENCODED_WORD = /=\?[^?]*\?([bq])\?([^?]*)(?:\?=|$)/gi
/** RFC 2047 section 6.2: white space between two encoded words doesn't belong to the text. */
const BETWEEN_ENCODED_WORDS = /(\?[bq]\?[^?]*\?=)\s+(?==\?)/gi
/** Characters that the names of fields in mail don't have (RFC 5322 section 2.2). They are ignored. */
const NOT_IN_NAMES = /[^a-z0-9-]+/g
/** A line after a bare CR that begins a field. */
const BEGINS_FIELD = /^[!-9;-~]+[ \t]*:/

/** `headerLines`, `ownFields`: as for readHeader. The returned function expects names in lower case. */
export function fieldReadings(
  headerLines: readonly string[],
  ownFields: number,
): (name: string) => FieldReadings {
  let fields: Fields | undefined
  const known = new Map<string, FieldReadings>()
  return name => {
    fields ??= fieldsOf(peersLines(headerLines, ownFields))
    const readings = known.get(name) ?? readingsOf(fields.get(name) ?? [], fields.areCut)
    known.set(name, readings)
    return readings
  }
}

function readingsOf(values: readonly string[], areCut: boolean): FieldReadings {
  const texts: string[] = []
  let room = LIMIT_CHARACTERS
  for (const value of values) {
    if (value.length > room) return { texts, areCut: true }
    room -= value.length
    texts.push(...new Set([value, withoutEncodedWords(value), withoutEncodedWords(withoutBlanks(value))]))
  }
  return { texts, areCut }
}

/** Values by name. `areCut`: there may be more fields. */
type Fields = ReadonlyMap<string, readonly string[]> & { areCut: boolean }

/** For some programs a bare CR ends a line, for others it is a blank. Both readings are given. */
function fieldsOf(lines: readonly string[]): Fields {
  const fields = Object.assign(new Map<string, string[]>(), { areCut: false })
  let bareCrs = 0
  let field: string[] = []
  const endField = () => {
    const text = field.join(' ')
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(colon, 0)).toLowerCase().replace(NOT_IN_NAMES, '')
    if (name === '') return
    const values = fields.get(name) ?? []
    values.push(text.slice(colon + 1).trim())
    fields.set(name, values)
  }
  for (const [at, line] of lines.entries()) {
    if (bareCrs > LIMIT_BARE_CRS) {
      fields.areCut = true
      break
    }
    for (const [index, piece] of line.split(/[\r\n]+/).entries()) {
      // nothing after a CR at the end of the line
      if (index > 0 && piece === '') continue
      const continues = index === 0 ? !beginsField(line, lines[at + 1]) : !BEGINS_FIELD.test(piece)
      if (!continues) {
        endField()
        field = []
      }
      field.push(piece)
      bareCrs += index === 0 ? 0 : 1
    }
  }
  endField()
  return fields
}

/** A line without a colon continues the field above, unless the next line begins with the colon. */
function beginsField(line: string, next = ''): boolean {
  return (
    !isContinuation(line) &&
    (line.includes(':') || (isContinuation(next) && next.trimStart().startsWith(':')))
  )
}

/** A fold or a break of Haraka's may be inside an encoded word. */
function withoutBlanks(text: string): string {
  return text.includes('?') ? text.replace(/\s+/g, '') : text
}

/** Decodes bytes as Latin-1: guards search for ASCII words, which are the same in all usual charsets. */
function withoutEncodedWords(text: string): string {
  if (!text.includes('=?')) return text
  return text
    .replace(BETWEEN_ENCODED_WORDS, '$1')
    .replace(ENCODED_WORD, (_word, encoding: string, encoded: string) =>
      encoding.toLowerCase() === 'b'
        ? Buffer.from(encoded, 'base64').toString('latin1')
        : encoded
            .replaceAll('_', ' ')
            .replace(/=([0-9a-f]{2})/gi, (_byte, hex: string) =>
              String.fromCharCode(Number.parseInt(hex, 16)),
            ),
    )
}
