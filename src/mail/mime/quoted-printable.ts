// Quoted-printable (RFC 2045 section 6.7) as mail programs read it: a faulty escape stays as it is written.

const EQUALS = 0x3d
const LF = 0x0a
const CR = 0x0d
const BLANK = 0x20
const TAB = 0x09
/** Blanks between `=` and the end of the line are wrong, but mail programs accept them. So many at most. */
const BLANKS_LIMIT = 1000
/** The value of each hexadecimal digit; below 0: it isn't one. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()),
)

/** Decodes chunks in order: an escape may be split between two of them. */
export class QuotedPrintableDecoder {
  #open: Buffer = Buffer.alloc(0)

  write(chunk: Uint8Array): Buffer {
    const joined = this.#open.length === 0 ? bufferOf(chunk) : Buffer.concat([this.#open, chunk])
    const last = joined.lastIndexOf(EQUALS)
    // an escape that may end in the next chunk
    const isOpen = last >= 0 && joined.length - last < BLANKS_LIMIT && isOpenFrom(joined, last)
    const end = isOpen ? last : joined.length
    this.#open = Buffer.from(joined.subarray(end))
    return decode(joined, end)
  }

  end(): Buffer {
    const last = decode(this.#open, this.#open.length)
    this.#open = Buffer.alloc(0)
    return last
  }
}

export function quotedPrintableSize(body: Buffer): number {
  let size = 0
  for (let at = 0; at < body.length; ) {
    const equals = body.indexOf(EQUALS, at)
    if (equals < 0) return size + body.length - at
    size += equals - at
    const { bytes, next } = codingAt(body, equals)
    size += bytes
    at = next
  }
  return size
}

function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function isOpenFrom(bytes: Buffer, equals: number): boolean {
  const at = afterBlanks(bytes, equals + 1)
  if (at >= bytes.length) return true
  if (bytes[at] === CR && at + 1 >= bytes.length) return true
  return at === equals + 1 && equals + 2 >= bytes.length && hexOf(bytes[equals + 1]) >= 0
}

/** Decodes up to `end`; the bytes behind it only tell how an escape before it is meant. */
function decode(coded: Buffer, end: number): Buffer {
  const first = coded.indexOf(EQUALS)
  if (first < 0 || first >= end) return coded.subarray(0, end)
  const bytes = Buffer.allocUnsafe(end)
  const whole = end - 2
  let length = 0
  for (let at = 0; at < end; ) {
    const byte = coded[at] as number
    if (byte !== EQUALS) {
      bytes[length++] = byte
      at++
      continue
    }
    if (at < whole) {
      const [next, second] = [coded[at + 1] as number, coded[at + 2] as number]
      const value = ((HEX[next] as number) << 4) | (HEX[second] as number)
      if (value >= 0) {
        bytes[length++] = value
        at += 3
        continue
      }
      if (next === CR && second === LF) {
        at += 3
        continue
      }
    }
    const { bytes: count, value, next } = codingAt(coded, at)
    if (count > 0) bytes[length++] = value
    at = next
  }
  return bytes.subarray(0, length)
}

/** Reads the escape at `equals`: one byte, no byte for a soft line break, or `=` itself where it isn't an escape. */
function codingAt(bytes: Buffer, equals: number): { bytes: 0 | 1; value: number; next: number } {
  const [high, low] = [hexOf(bytes[equals + 1]), hexOf(bytes[equals + 2])]
  if (high >= 0 && low >= 0) return { bytes: 1, value: high * 16 + low, next: equals + 3 }
  const at = afterBlanks(bytes, equals + 1)
  if (at >= bytes.length) return { bytes: 0, value: 0, next: at }
  if (bytes[at] === LF) return { bytes: 0, value: 0, next: at + 1 }
  if (bytes[at] === CR) return { bytes: 0, value: 0, next: bytes[at + 1] === LF ? at + 2 : at + 1 }
  return { bytes: 1, value: EQUALS, next: equals + 1 }
}

function afterBlanks(bytes: Buffer, from: number): number {
  const end = Math.min(bytes.length, from + BLANKS_LIMIT)
  let at = from
  while (at < end && (bytes[at] === BLANK || bytes[at] === TAB)) at++
  return at
}

function hexOf(byte: number | undefined): number {
  return byte === undefined ? -1 : (HEX[byte] as number)
}
