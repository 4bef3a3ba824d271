// Reads the Content-* fields of a mail or part, and where its body begins. Other lines are skipped.
// The length of the fields is limited before they are parsed.

import { DATA_LINE_LENGTH } from '../broken-lines'
import { UnreadableError } from '../unreadable'
import { afterLine, Boundaries, beginsContent } from './boundaries'
import { PART_FIELDS_BYTES } from './limits'

const LF = 0x0a
const TWO_CRS = Buffer.from('\r\r')
/** A field of a part behind a bare CR begins so. */
const [CR_CAPITAL_C, CR_SMALL_C] = [Buffer.from('\rC'), Buffer.from('\rc')]
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
/** RFC 5322 section 2.1.1, without the line end. */
const LINE_BYTES = 1000

export interface PartHeader {
  /** By name in lower case, unfolded, with \n where a line ended; bytes as Latin-1. */
  fields: ReadonlyMap<string, readonly string[]>
  bodyAt: number
  /** The header for programs that end it earlier: at a line that is no field, or at two bare CRs. */
  early?: PartHeader
}

/** `from`: offset of the header's first line. A delimiter of an open multipart ends the header too. */
export function readPartHeader(raw: Buffer, from: number, boundaries: Boundaries): PartHeader {
  const { fields: own, bodyAt, strayAt } = readLines(raw, from, boundaries)
  const header = raw.subarray(from, bodyAt)
  const crs = header.indexOf(TWO_CRS)
  const crsAt = crs < 0 || header[crs + 2] === LF ? -1 : from + crs
  const untilCrs = crsAt < 0 ? header : raw.subarray(from, crsAt)
  const fields = hasFieldBehindCr(untilCrs) ? merged(own, fieldsOf(untilCrs)) : own
  if (crsAt < 0 && (strayAt < 0 || strayAt === bodyAt)) return { fields, bodyAt }
  const isCrs = crsAt >= 0 && (strayAt < 0 || crsAt < strayAt)
  const early = fieldsOf(isCrs ? untilCrs : raw.subarray(from, strayAt))
  return { fields, bodyAt, early: { fields: early, bodyAt: isCrs ? crsAt + 2 : strayAt } }
}

type Fields = PartHeader['fields']

function hasFieldBehindCr(header: Buffer): boolean {
  return header.includes(CR_CAPITAL_C) || header.includes(CR_SMALL_C)
}

/** The fields for programs that end a line at a bare CR. */
function fieldsOf(header: Buffer): Fields {
  const lines = Buffer.from(header.toString('latin1').replace(/\r(?!\n)/g, '\n'), 'latin1')
  return readLines(lines, 0, new Boundaries(lines)).fields
}

function merged(own: Fields, others: Fields): Fields {
  const all = new Map(own)
  for (const [name, values] of others) all.set(name, [...new Set([...(own.get(name) ?? []), ...values])])
  return all
}

interface HeaderLines extends PartHeader {
  /** The first line that can't be one of a header. Below 0: there is none. */
  strayAt: number
}

function readLines(raw: Buffer, from: number, boundaries: Boundaries): HeaderLines {
  const fields = new Map<string, string[]>()
  /** The lines of an open field. Undefined: it describes nothing. */
  let field: string[] | undefined
  let keptBytes = 0
  let lastLineBytes = 0
  let strayAt = -1
  const finish = () => {
    if (field !== undefined) add(fields, field.join('\n'))
    field = undefined
  }
  for (let at = from; at < raw.length; ) {
    const next = afterLine(raw, at)
    const first = raw[at]
    if (first === LF || (first === CR && raw[at + 1] === LF)) {
      finish()
      return { fields, bodyAt: next, strayAt }
    }
    if (boundaries.at(at)) {
      finish()
      return { fields, bodyAt: strayAt >= 0 ? strayAt : at, strayAt }
    }
    const isFold = first === BLANK || first === TAB
    if (!isFold) {
      finish()
      if (beginsContent(raw, at) && DESCRIBES.test(raw.toString('latin1', at, at + NAME_BYTES))) field = []
      else if (strayAt < 0 && !hasColon(raw, at, next)) strayAt = at
    }
    if (field !== undefined) {
      const lineEnd = next - at > LINE_BYTES ? beforeBareCrs(raw, at, next) : next
      keptBytes += lineEnd - at
      if (keptBytes > PART_FIELDS_BYTES)
        throw new UnreadableError(
          `the header of a part describes it in more than ${PART_FIELDS_BYTES / 1024} KB`,
        )
      const line = raw.toString('latin1', at, lineEnd).replace(/[\r\n]+$/, '')
      if (isFold && lastLineBytes === BROKEN_LINE_BYTES) field.push((field.pop() ?? '') + line.slice(1))
      else field.push(line)
      lastLineBytes = line.length
    }
    at = next
  }
  finish()
  return { fields, bodyAt: strayAt >= 0 ? strayAt : raw.length, strayAt }
}

/** In a mail whose lines end at bare CRs a line may be the whole mail. */
function beforeBareCrs(raw: Buffer, at: number, next: number): number {
  const crs = raw.subarray(at, next).indexOf('\r\r', 0, 'latin1')
  return crs < 0 ? next : at + crs
}

function hasColon(raw: Buffer, at: number, next: number): boolean {
  const colon = raw.indexOf(COLON, at)
  return colon >= 0 && colon < next
}

function add(fields: Map<string, string[]>, text: string): void {
  const name = FIELD.exec(text)
  if (name?.[1] === undefined) return
  const key = name[1].toLowerCase()
  const value = text.slice(name[0].length).replaceAll('\r', '\n ').trim()
  const known = fields.get(key) ?? []
  fields.set(key, known)
  known.push(value.replaceAll('\0', ' '))
  // for some programs a value ends at NUL
  if (value.includes('\0')) known.push(value.replace(/\0[^";]*/g, ''))
}
