// Haraka breaks long lines. These functions find its breaks in a header and remove them.
// A fold of the sender's can look like a break of Haraka's, so callers compare both readings.

/** Default of [max] data_line_length in Haraka's connection.ini: bytes of a line with its end. */
export const DATA_LINE_LENGTH = 992

/** Haraka's connection.js, _process_data: it leaves so many bytes fewer than the limit before the CRLF that it inserts. */
const LINE_END_BYTES = 2
/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const MOST_BYTES_PER_UNIT = 3
/** Replaces one to three bytes of invalid UTF-8: a break can be in the middle of a character. */
const REPLACEMENT = '\ufffd'

const NONE: ReadonlySet<number> = new Set()

/**
 * Indexes of the lines after which Haraka may have inserted a break. `lines`: as in Haraka's `transaction.header_lines`;
 * `lineLength`: Haraka's [max] data_line_length, in bytes.
 */
export function possibleBreaks(lines: readonly string[], lineLength = DATA_LINE_LENGTH): ReadonlySet<number> {
  const bytes = lineLength - LINE_END_BYTES
  let found: Set<number> | undefined
  for (let index = 0; index + 1 < lines.length; index++) {
    if (lines[index + 1]?.[0] !== ' ' || !mayHaveLength(lines[index] ?? '', bytes)) continue
    found ??= new Set()
    found.add(index)
  }
  return found ?? NONE
}

/** A line of no more characters has no break of Haraka's behind it. */
export function surelyUnbroken(lineLength: number): number {
  // a dot at its beginning, see mayHaveLength
  return (lineLength - LINE_END_BYTES - 1) / MOST_BYTES_PER_UNIT
}

/** The lines without all possible breaks. If there are none, the same array. */
export function withoutBreaks(lines: readonly string[], lineLength = DATA_LINE_LENGTH): readonly string[] {
  const breaks = possibleBreaks(lines, lineLength)
  if (breaks.size === 0) return lines
  const joined: string[] = []
  for (const [index, line] of lines.entries()) {
    if (!breaks.has(index - 1)) joined.push(line)
    else joined.push(`${withoutEnd(joined.pop() ?? '')}${line.slice(1)}`)
  }
  return joined
}

function mayHaveLength(line: string, wanted: number): boolean {
  // SMTP doubles a dot at the beginning of a line (RFC 5321 section 4.5.2)
  const bytes = line.startsWith('.') ? wanted - 1 : wanted
  if (line.length <= bytes / MOST_BYTES_PER_UNIT || line.length > bytes + LINE_END_BYTES) return false
  const text = withoutEnd(line)
  // after HELO Haraka decodes each byte as one character
  if (text.length === bytes) return true
  const most = Buffer.byteLength(text)
  const unsure = text.split(REPLACEMENT).length - 1
  return most - (MOST_BYTES_PER_UNIT - 1) * unsure <= bytes && bytes <= most
}

function withoutEnd(line: string): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line
}
