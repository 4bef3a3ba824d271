// Haraka breaks long lines: the header's lines with these breaks taken out again.
// Pure. A fold that the sender made can look like a break, so callers look at both readings and trust neither alone.

/** Haraka's config/connection.ini, [max] data_line_length: of a line with its end, in bytes. */
export const DATA_LINE_LENGTH = 992

/** Haraka's connection.js, _process_data: what is left of a line in front of the CRLF and the blank that it puts in. */
const LINE_END_BYTES = 2
/** UTF-8 has at most so many bytes for one UTF-16 unit. */
const MOST_BYTES_PER_UNIT = 3
/** Stands for one to three bytes that are no UTF-8; a break can fall within a character. */
const REPLACEMENT = '\ufffd'

/**
 * Indexes of the lines behind which Haraka may have put a break. `lines` as in Haraka's `transaction.header_lines`;
 * `lineLength`: its [max] data_line_length.
 */
export function possibleBreaks(lines: readonly string[], lineLength = DATA_LINE_LENGTH): ReadonlySet<number> {
  const bytes = lineLength - LINE_END_BYTES
  const found = new Set<number>()
  for (const [index, line] of lines.entries()) {
    if (lines[index + 1]?.[0] === ' ' && mayHaveLength(line, bytes)) found.add(index)
  }
  return found
}

/** The lines with all possible breaks taken out: the same array where there is none. */
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
  // each dot at the beginning of a line stands twice on the wire (RFC 5321 section 4.5.2)
  const bytes = line.startsWith('.') ? wanted - 1 : wanted
  if (line.length <= bytes / MOST_BYTES_PER_UNIT || line.length > bytes + LINE_END_BYTES) return false
  const text = withoutEnd(line)
  // after HELO Haraka hands over each byte as a character
  if (text.length === bytes) return true
  const most = Buffer.byteLength(text)
  const unsure = text.split(REPLACEMENT).length - 1
  return most - (MOST_BYTES_PER_UNIT - 1) * unsure <= bytes && bytes <= most
}

function withoutEnd(line: string): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line
}
