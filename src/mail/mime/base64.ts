// Base64 (RFC 2045 section 6.8) as mail programs read it: they skip characters outside the alphabet, and accept padding
// in the middle.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const OTHER = 255
const PADDING = 254
const VALUES = new Uint8Array(256).fill(OTHER)
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value
VALUES['='.charCodeAt(0)] = PADDING

const LF = 0x0a
const CR = 0x0d

/** Decodes chunks in order: a group of four characters may be split between two of them. */
export class Base64Decoder {
  #bits = 0
  #count = 0

  write(chunk: Uint8Array): Buffer {
    const bytes = Buffer.allocUnsafe(Math.ceil((chunk.length + 3) / 4) * 3)
    let length = 0
    let bits = this.#bits
    let count = this.#count
    for (let at = 0; at < chunk.length; at++) {
      const value = VALUES[chunk[at] as number] as number
      if (value < 64) {
        bits = (bits << 6) | value
        if (++count === 4) {
          bytes[length++] = bits >> 16
          bytes[length++] = bits >> 8
          bytes[length++] = bits
          bits = 0
          count = 0
        }
      } else if (value === PADDING && count > 0) {
        length = rest(bytes, length, bits, count)
        bits = 0
        count = 0
      }
    }
    this.#bits = bits
    this.#count = count
    return bytes.subarray(0, length)
  }

  end(): Buffer {
    const bytes = Buffer.alloc(2)
    const length = rest(bytes, 0, this.#bits, this.#count)
    this.#bits = 0
    this.#count = 0
    return bytes.subarray(0, length)
  }
}

/** Writes the bytes of an incomplete group. Returns the new length. */
function rest(bytes: Buffer, at: number, bits: number, count: number): number {
  let length = at
  if (count === 2) bytes[length++] = bits >> 4
  if (count === 3) {
    bytes[length++] = bits >> 10
    bytes[length++] = bits >> 2
  }
  return length
}

export function base64Bytes(text: string): Buffer {
  const decoder = new Base64Decoder()
  return Buffer.concat([decoder.write(Buffer.from(text, 'latin1')), decoder.end()])
}

/**
 * The decoded size in bytes, without decoding. Where all lines have one length, as programs write them, it skips most
 * bytes.
 */
export function base64Size(body: Uint8Array): number {
  return Math.floor(((evenLines(body) ?? counted(body)) * 3) / 4)
}

/** The number of base64 characters when all lines but the last are as long as the first. Undefined: use `counted`. */
function evenLines(body: Uint8Array): number | undefined {
  const end = body.indexOf(LF)
  // a line over 1,000 characters isn't usual base64; a body without a line end is counted
  if (end < 1 || end > 1000) return undefined
  const endBytes = body[end - 1] === CR ? 2 : 1
  const perLine = end + 1 - endBytes
  let whole = 0
  let at = 0
  for (; at + end < body.length; at += end + 1) {
    if (body[at + end] !== LF || VALUES[body[at + end - endBytes] as number] === OTHER) break
    whole++
  }
  return whole * perLine + counted(body.subarray(at))
}

function counted(body: Uint8Array): number {
  let letters = 0
  for (let at = 0; at < body.length; at++) if ((VALUES[body[at] as number] as number) < 64) letters++
  return letters
}
