// Reads the Content-* fields of a mail or part, and where its body begins. Other lines are skipped.
// The length of the fields is limited before they are parsed.

import { DATA_LINE_LENGTH } from '../broken-lines'
import { UnreadableError } from '../unreadable'
import { afterLine, type Boundaries, beginsContent } from './boundaries'
import { PART_FIELDS_BYTES } from './limits'

const LF = 0x0a
const CR = 0x0d
const BLANK = 0x20
const TAB = 0x09
const COLON = 0x3a
/** RFC 2045 section 3: the names of all fields that describe a body begin with it. */
const DESCRIBES = /^content-/i
const NAME_BYTES = 8
/** RFC 5322 section 2.2; a blank before the colon is its obsolete form (section 4.5.8). */
const FIELD = /^([!-9;-~]+)[ \t]*:/
/** Haraka breaks longer lines: after this many bytes it inserts a line end and a blank. */
const BROKEN_LINE_BYTES = DATA_LINE_LENGTH - 2

export interface PartHeader {
  /** By name in lower case, unfolded; bytes as Latin-1. */
  fields: ReadonlyMap<string, readonly string[]>
  bodyAt: number
}

/** `from`: offset of the header's first line. A delimiter of an open multipart ends the header too. */
export function readPartHeader(raw: Buffer, from: number, boundaries: Boundaries): PartHeader {
  const fields = new Map<string, string[]>()
  let field: string[] = []
  let keptBytes = 0
  let lastLineBytes = 0
  /** The first line that can't be one of a header. */
  let strayAt = -1
  const finish = () => {
    if (field.length > 0) add(fields, field.join(''))
    field = []
  }
  for (let at = from; at < raw.length; ) {
    const next = afterLine(raw, at)
    const first = raw[at]
    if (first === LF || (first === CR && raw[at + 1] === LF)) {
      finish()
      return { fields, bodyAt: next }
    }
    if (boundaries.at(at)) {
      finish()
      return { fields, bodyAt: strayAt >= 0 ? strayAt : at }
    }
    const isFold = first === BLANK || first === TAB
    if (!isFold) {
      finish()
      if (beginsContent(raw, at) && DESCRIBES.test(raw.toString('latin1', at, at + NAME_BYTES))) field = ['']
      else if (strayAt < 0 && !hasColon(raw, at, next)) strayAt = at
    }
    if (field.length > 0) {
      keptBytes += next - at
      if (keptBytes > PART_FIELDS_BYTES)
        throw new UnreadableError(
          `the header of a part describes it in more than ${PART_FIELDS_BYTES / 1024} KB`,
        )
      const line = raw.toString('latin1', at, next).replace(/[\r\n]+$/, '')
      field.push(isFold && lastLineBytes === BROKEN_LINE_BYTES ? line.slice(1) : line)
      lastLineBytes = line.length
    }
    at = next
  }
  finish()
  return { fields, bodyAt: strayAt >= 0 ? strayAt : raw.length }
}

function hasColon(raw: Buffer, at: number, next: number): boolean {
  const colon = raw.indexOf(COLON, at)
  return colon >= 0 && colon < next
}

/** Some mail programs end a line at a bare CR, so another field may begin after it. */
function add(fields: Map<string, string[]>, whole: string): void {
  for (const text of whole.split(/\r(?=content-[a-z-]+[ \t]*:)/i)) {
    const name = FIELD.exec(text)
    if (name?.[1] === undefined) continue
    const key = name[1].toLowerCase()
    const value = text.slice(name[0].length).replaceAll('\r', ' ').trim()
    const known = fields.get(key) ?? []
    fields.set(key, known)
    known.push(value.replaceAll('\0', ' '))
    // for some programs a value ends at NUL
    if (value.includes('\0')) known.push(value.replace(/\0[^";]*/g, ''))
  }
}
