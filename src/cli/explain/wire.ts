// Converts a mail from a file into the form that Haraka would have from a relay: header lines, size, content.
// Never throws: any bytes are a mail.

import { parseIni } from '../../config/ini'
import { parseCount } from '../../config/values'
import { DEFAULT_HEADER_LINES } from '../../haraka/header-limit'

/** Haraka's connection.ini, as far as it changes or refuses mail. */
export interface WireLimits {
  /** [max] data_line_length: longer lines are broken. */
  lineBytes: number
  /** [headers] max_lines: Haraka doesn't keep further lines of a header. */
  headerLines: number
  /** [headers] add_received: how many of these lines are Haraka's own. */
  ownLines: 0 | 1
  /** [headers] max_received: a mail with more is refused. */
  received: number
  /** [max] bytes: a larger mail is refused. Undefined: none is. */
  bytes: number | undefined
}

export interface WireMail {
  /** Lines longer than this were broken. */
  lineLength: number
  /** The lines of Haraka's `transaction.header_lines`, without Haraka's own Received on top. */
  headerLines: string[]
  /** Haraka would keep no further line of the header. */
  headerIsCut: boolean
  /** The number in Haraka's `transaction.data_bytes`. */
  sizeBytes: number
  /** The mail with CRLF, not decoded. */
  data: () => Buffer
}

export const CONNECTION_FILE = 'connection.ini'

const CRLF = Buffer.from('\r\n')
const BLANK = Buffer.from(' ')
const DOT = 0x2e
const LF = 0x0a
const CR = 0x0d
/** RFC 5321 section 4.1.1.4: the line that ends a mail, which Haraka counts too. */
const END_BYTES = 3
/** A header field, or the continuation of one: Haraka's transaction.js, where a header has no end. */
const FIELD_OR_FOLD = /^(?:[^\s:]*:|[ \t])/

/** The words that haraka-config reads as true. */
const TRUE = /^(?:true|yes|ok|enabled|on|1)$/i

/** `text`: of connection.ini. Missing and invalid values are Haraka's defaults. */
export function wireLimits(text: string): WireLimits {
  const { sections } = parseIni(CONNECTION_FILE, text)
  const valueOf = (section: string, key: string): string | undefined => {
    const entries = sections.filter(({ name }) => name === section).flatMap(({ entries }) => entries)
    return entries.findLast(entry => entry.key === key)?.value
  }
  const numberOf = (section: string, key: string) => parseCount(valueOf(section, key) ?? '')
  return {
    lineBytes: numberOf('max', 'data_line_length') || 992,
    headerLines: numberOf('headers', 'max_lines') || DEFAULT_HEADER_LINES,
    ownLines: TRUE.test(valueOf('headers', 'add_received') ?? 'true') ? 1 : 0,
    received: numberOf('headers', 'max_received') ?? 100,
    bytes: numberOf('max', 'bytes') || undefined,
  }
}

export function onWire(raw: Buffer, limits: WireLimits): WireMail {
  let sizeBytes = END_BYTES
  let inHeader = true
  const header: string[] = []
  for (const line of wireLines(raw, limits.lineBytes)) {
    sizeBytes += line.length + CRLF.length + (line[0] === DOT ? 1 : 0)
    if (line.length === 0) inHeader = false
    if (inHeader && header.length < limits.headerLines - limits.ownLines)
      header.push(`${line.toString('utf8')}\n`)
  }
  const headerLines = inHeader ? withoutBody(header) : header
  return {
    headerLines,
    lineLength: limits.lineBytes,
    headerIsCut: headerLines.length >= limits.headerLines - limits.ownLines,
    sizeBytes,
    data: () => dataOf(raw, limits, inHeader ? headerLines.length : undefined),
  }
}

/** `breakAt`: where in a mail without an empty line its body begins. */
function dataOf(raw: Buffer, limits: WireLimits, breakAt: number | undefined): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  for (const line of wireLines(raw, limits.lineBytes)) {
    if (at++ === breakAt) pieces.push(CRLF)
    pieces.push(line, CRLF)
  }
  if (at === breakAt) pieces.push(CRLF)
  return Buffer.concat(pieces)
}

/** Lines without their ends, and without the dots that stand for dots; long ones broken as Haraka does it. */
function* wireLines(raw: Buffer, lineBytes: number): Generator<Buffer> {
  for (let at = 0; at < raw.length; ) {
    const found = raw.indexOf(LF, at)
    const end = found < 0 ? raw.length : found
    yield* broken(raw.subarray(at, end > at && raw[end - 1] === CR ? end - 1 : end), lineBytes)
    at = end + 1
  }
}

/** Haraka's connection.js: CRLF and a blank go into a line that is too long, so that it becomes a fold. */
function* broken(line: Buffer, lineBytes: number): Generator<Buffer> {
  const room = lineBytes - CRLF.length
  const first = line[0] === DOT ? room - 1 : room
  // with less room than this the blanks alone would fill the lines
  if (line.length <= first || room < 2) {
    yield line
    return
  }
  yield line.subarray(0, first)
  for (let at = first; at < line.length; at += room - 1) {
    yield Buffer.concat([BLANK, line.subarray(at, at + room - 1)])
  }
}

/** The lines of the header: without an empty line it ends at the first line that can't belong to it. */
function withoutBody(lines: string[]): string[] {
  const end = lines.findIndex(line => !FIELD_OR_FOLD.test(line))
  return end < 0 ? lines : lines.slice(0, end)
}
