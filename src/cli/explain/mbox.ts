// Reads the mails of an mbox one after the other, with only one in memory. Never throws: a mail over the limit is
// skipped.

/** The bytes of a mail, or that it is too large. */
export type Found = { raw: Buffer } | { isTooLarge: true }

interface Piece {
  bytes: Buffer
  /** It begins a line. */
  isFirst: boolean
}

/** RFC 4155 section 2: the first line of a mail. */
export const FROM_LINE = Buffer.from('From ')

const LF = 0x0a
/** No longer line can be a mail's first, or have its quote taken off. */
const LONGEST_LINE_BYTES = 64 * 1024

export async function* splitMbox(chunks: AsyncIterable<Buffer>, largestBytes: number): AsyncGenerator<Found> {
  let mail: Collector | undefined
  let afterEmptyLine = true
  for await (const { bytes, isFirst } of linePieces(chunks)) {
    if (isFirst && afterEmptyLine && startsWith(bytes, FROM_LINE)) {
      if (mail !== undefined) yield mail.end()
      mail = new Collector(largestBytes)
      afterEmptyLine = false
      continue
    }
    afterEmptyLine = isFirst && isLineEnd(bytes)
    mail?.add(isFirst ? unquoted(bytes) : bytes)
  }
  if (mail !== undefined) yield mail.end()
}

class Collector {
  readonly #largestBytes: number
  readonly #parts: Buffer[] = []
  #size = 0

  constructor(largestBytes: number) {
    this.#largestBytes = largestBytes
  }

  add(bytes: Buffer): void {
    this.#size += bytes.length
    if (this.#size <= this.#largestBytes) this.#parts.push(bytes)
    else this.#parts.length = 0
  }

  end(): Found {
    if (this.#size > this.#largestBytes) return { isTooLarge: true }
    // the empty line before the next mail is the mbox's own
    const last = this.#parts.at(-1)
    if (last !== undefined && isLineEnd(last)) this.#parts.pop()
    return { raw: Buffer.concat(this.#parts) }
  }
}

/** Whole lines with their ends, but for what is longer than any that matters. */
async function* linePieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  let rest: Buffer = Buffer.alloc(0)
  let isFirst = true
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, at)) {
      yield { bytes: bytes.subarray(at, end + 1), isFirst }
      isFirst = true
      at = end + 1
    }
    rest = bytes.subarray(at)
    if (rest.length > LONGEST_LINE_BYTES) {
      yield { bytes: rest, isFirst }
      isFirst = false
      rest = Buffer.alloc(0)
    }
  }
  if (rest.length > 0) yield { bytes: rest, isFirst }
}

/** mboxrd: each `From ` in a mail has one `>` more than it had. */
function unquoted(line: Buffer): Buffer {
  let marks = 0
  while (line[marks] === 0x3e) marks++
  return marks > 0 && startsWith(line.subarray(marks), FROM_LINE) ? line.subarray(1) : line
}

function isLineEnd(line: Buffer): boolean {
  return line.equals(LINE_FEED) || line.equals(CRLF)
}
const LINE_FEED = Buffer.from('\n')
const CRLF = Buffer.from('\r\n')

export function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start)
}
