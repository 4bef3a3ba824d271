// Decompresses the RTF text of Outlook's winmail.dat ([MS-OXRTFCP]), in linear time and up to a limit. npm has readers, but
// they have no limit.

/** [MS-OXRTFCP] 2.1.3.1.1: sizes, kind and checksum before the data. */
const HEADER_BYTES = 16
const KIND_AT = 8
const [COMPRESSED, UNCOMPRESSED] = [0x75465a4c, 0x414c454d]
/** 2.1.3.1.1 and 2.1.3.1.4: the dictionary is a ring that begins with this text; references may point to it. */
const DICTIONARY_BYTES = 4096
const FIRST_TEXT = Buffer.from(
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx',
  'latin1',
)
/** 2.1.3.1.5: a reference has 12 bits of offset and 4 of length, which begins at 2. */
const LEAST_LENGTH = 2

export interface Decompressed {
  rtf: Buffer
  isCut: boolean
}

/** Up to `mostBytes`. Undefined: the bytes are nothing of the kind. */
export function decompressedRtf(bytes: Buffer, mostBytes: number): Decompressed | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const kind = bytes.readUInt32LE(KIND_AT)
  const data = bytes.subarray(HEADER_BYTES)
  if (kind === UNCOMPRESSED) return { rtf: data.subarray(0, mostBytes), isCut: data.length > mostBytes }
  return kind === COMPRESSED ? decompressed(data, mostBytes) : undefined
}

function decompressed(data: Buffer, mostBytes: number): Decompressed {
  const ring = new Ring()
  let at = 0
  const item = (isReference: boolean): boolean => {
    if (!isReference) {
      ring.put(data[at++] as number)
      return true
    }
    if (at + 1 >= data.length) return false
    const reference = data.readUInt16BE(at)
    at += 2
    return ring.copy(reference >> 4, (reference & 0xf) + LEAST_LENGTH)
  }
  while (at < data.length && ring.length <= mostBytes) {
    const control = data[at++] as number
    for (let bit = 0; bit < 8 && at < data.length; bit++)
      if (!item(((control >> bit) & 1) === 1)) return ring.end(mostBytes)
  }
  return ring.end(mostBytes)
}

/** A ring of the last 4,096 bytes, and all bytes that were overwritten in it. */
class Ring {
  readonly #bytes = Buffer.alloc(DICTIONARY_BYTES)
  readonly #pieces: Buffer[] = []
  #write = FIRST_TEXT.copy(this.#bytes)
  #from = this.#write
  #length = 0

  get length(): number {
    return this.#length
  }

  put(byte: number): void {
    this.#bytes[this.#write++] = byte
    if (this.#write === DICTIONARY_BYTES) {
      this.#keep()
      this.#write = 0
      this.#from = 0
    }
  }

  /** 2.1.3.1.6: false, as a reference to the place that is written next ends the text. */
  copy(offset: number, count: number): boolean {
    if (offset === this.#write) return false
    for (let done = 0; done < count; done++)
      this.put(this.#bytes[(offset + done) % DICTIONARY_BYTES] as number)
    return true
  }

  end(mostBytes: number): Decompressed {
    this.#keep()
    const all = Buffer.concat(this.#pieces)
    return { rtf: all.subarray(0, mostBytes), isCut: all.length > mostBytes }
  }

  #keep(): void {
    this.#pieces.push(Buffer.from(this.#bytes.subarray(this.#from, this.#write)))
    this.#length += this.#write - this.#from
  }
}
