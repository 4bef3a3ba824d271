// The header as leniently as any mail program may read it, for guards: where programs differ, every reading is given.
// It must see too much rather than too little; nothing is proved by it. Linear in the header, and bounded for each name.

import { isContinuation, peersLines } from './header'

export interface FieldReadings {
  /** Every field of that name, top down, each in every reading: unfolded, and with encoded words undone. */
  texts: readonly string[]
  /** They were longer than anybody reads: more may stand behind. */
  areCut: boolean
}

/** No honest mail has so much in all fields of one name that guards ask for. */
const LIMIT_CHARACTERS = 64 * 1024

/** No honest mail has so many bare CRs in its header; each may begin a field. */
const LIMIT_BARE_CRS = 1000

/** RFC 2047 section 2; also with blanks in it, and where its end is missing. */
const ENCODED_WORD = /=\?[^?]*\?([bq])\?([^?]*)(?:\?=|$)/gi
/** RFC 2047 section 6.2: white space between two encoded words is no part of the text. */
const BETWEEN_ENCODED_WORDS = /(\?[bq]\?[^?]*\?=)\s+(?==\?)/gi
/** RFC 5322 section 2.2: what may stand in a field's name; all else around it is taken for garbage. */
const NOT_IN_NAMES = /[^a-z0-9-]+/g
/** A line behind a bare CR that begins a field of its own. */
const BEGINS_FIELD = /^[!-9;-~]+[ \t]*:/

/** `headerLines` and `ownFields` as for readHeader. Names in lower case. */
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

/** Values by name. `areCut`: there may be more. */
type Fields = ReadonlyMap<string, readonly string[]> & { areCut: boolean }

/** A bare CR ends a line for some programs, and is a blank for others; what a hop made of it is read, too. */
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
      // behind the end of the line
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

/** A line without a colon belongs to the field above, unless the colon comes on the next line. */
function beginsField(line: string, next = ''): boolean {
  return (
    !isContinuation(line) &&
    (line.includes(':') || (isContinuation(next) && next.trimStart().startsWith(':')))
  )
}

/** A fold, or a line that was broken for its length, may stand within an encoded word. */
function withoutBlanks(text: string): string {
  return text.includes('?') ? text.replace(/\s+/g, '') : text
}

/** Bytes as characters: a guard's words are ASCII in every charset that mail is written in. */
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
