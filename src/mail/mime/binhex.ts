// The names of files in BinHex 4.0 (RFC 1741), the encoding of old Macintoshes. Reads only the file's header.

export interface BinhexFile {
  name: string
  sizeBytes: number
}

/** RFC 1741 appendix A: the alphabet, and the byte that repeats the one before it. */
const ALPHABET = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr'
const REPEATS = 0x90
/** The line in front of each file, whose colon begins it. */
const NOTE = 'must be converted with BinHex'
const NOTE_BYTES = 1000
/** The length of the name, up to 63 bytes, a zero, type, creator and flags, and the length of the file. */
const NAME_BYTES = 63
const SIZE_AT = 1 + 4 + 4 + 2
const HEADER_BYTES = 1 + NAME_BYTES + SIZE_AT + 4
/** Each byte may need two characters and be repeated, and lines end. */
const HEADER_CHARACTERS = 4 * HEADER_BYTES

/** Files in a text, behind the note. */
export function binhexFiles(body: Buffer): BinhexFile[] {
  const files: BinhexFile[] = []
  for (let at = body.indexOf(NOTE); at >= 0; at = body.indexOf(NOTE, at + NOTE.length)) {
    const file = binhexFile(body.subarray(at, at + NOTE_BYTES))
    if (file !== undefined) files.push(file)
  }
  return files
}

/** The file that begins at the first line with a colon. Undefined: there is none. */
export function binhexFile(body: Buffer): BinhexFile | undefined {
  const text = body.toString('latin1', 0, NOTE_BYTES + HEADER_CHARACTERS)
  const start = /(?:^|[\r\n])[ \t]*:/.exec(text)
  if (start === null) return undefined
  const header = decoded(text.slice(start.index + start[0].length))
  const length = header[0] ?? 0
  const sizeAt = 1 + length + SIZE_AT
  if (length === 0 || length > NAME_BYTES || header.length < sizeAt + 4) return undefined
  const sizeBytes = Math.min(header.readUInt32BE(sizeAt), body.length)
  return { name: header.toString('latin1', 1, 1 + length), sizeBytes }
}

/** The first HEADER_BYTES at most. */
function decoded(text: string): Buffer {
  const bytes: number[] = []
  let [bits, count, isRepeat] = [0, 0, false]
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) {
      if (/\s/.test(character)) continue
      break
    }
    bits = (bits << 6) | value
    count += 6
    if (count < 8) continue
    count -= 8
    const byte = (bits >> count) & 0xff
    bits &= (1 << count) - 1
    if (isRepeat) {
      if (byte === 0) bytes.push(REPEATS)
      else for (let times = 1; times < byte; times++) bytes.push(bytes.at(-1) ?? 0)
      isRepeat = false
    } else if (byte === REPEATS) isRepeat = true
    else bytes.push(byte)
    if (bytes.length >= HEADER_BYTES) break
  }
  return Buffer.from(bytes.slice(0, HEADER_BYTES))
}
