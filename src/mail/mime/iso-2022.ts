// Charsets of seven bits in which ASCII bytes stand for other characters between two signs: ISO 2022 (RFC 1468, 1554,
// 1557, 1922) and HZ (RFC 1843). Decodes chunks in order, in linear time.

import { UnreadableError } from '../unreadable'

type CharacterSet = 'ascii' | 'jis' | 'jis-supplement' | 'katakana' | 'gb' | 'ks'

/** The sets by what follows the escape character. Undefined: a set that few programs know. */
const DESIGNATIONS: ReadonlyMap<string, CharacterSet> = new Map([
  ['(B', 'ascii'],
  ['(J', 'ascii'],
  ['(H', 'ascii'],
  ['(I', 'katakana'],
  ['$@', 'jis'],
  ['$B', 'jis'],
  ['$(@', 'jis'],
  ['$(B', 'jis'],
  // JIS X 0213 has the characters of JIS X 0208 in the same places
  ['$(O', 'jis'],
  ['$(Q', 'jis'],
  ['$(D', 'jis-supplement'],
  ['$A', 'gb'],
  ['$(A', 'gb'],
  ['$(C', 'ks'],
])
/** Sets between "shift out" and "shift in". */
const SHIFTED: ReadonlyMap<string, CharacterSet> = new Map([
  ['$)C', 'ks'],
  ['$)A', 'gb'],
])
/** Encodings of eight bits with the same sets. */
const ENCODING: Readonly<Record<CharacterSet, string>> = {
  ascii: 'latin1',
  jis: 'eucjp',
  'jis-supplement': 'eucjp',
  katakana: 'eucjp',
  gb: 'gbk',
  ks: 'cp949',
}
/** EUC-JP's signs for a single katakana, and for a character of JIS X 0212. */
const PREFIX: Partial<Record<CharacterSet, number>> = { katakana: 0x8e, 'jis-supplement': 0x8f }
const [ESCAPE, SHIFT_OUT, SHIFT_IN, LF, CR, TILDE] = [0x1b, 0x0e, 0x0f, 0x0a, 0x0d, 0x7e]
/** The longest escape sequence behind its first byte. */
const LONGEST = 3

export class Iso2022Decoding {
  readonly #label: string
  readonly #decode: (bytes: Buffer, encoding: string) => string
  readonly #isHz: boolean
  #open: Buffer = Buffer.alloc(0)
  #set: CharacterSet = 'ascii'
  #shiftedSet: CharacterSet = 'ascii'
  #isShifted = false

  /** `decode`: decodes bytes by a charset of eight bits. */
  constructor(label: string, isHz: boolean, decode: (bytes: Buffer, encoding: string) => string) {
    this.#label = label
    this.#isHz = isHz
    this.#decode = decode
    // some programs leave out the sign at the beginning that names the set
    if (/kr/i.test(label)) this.#shiftedSet = 'ks'
    else if (/cn/i.test(label)) this.#shiftedSet = 'gb'
  }

  /** @throws UnreadableError for a character set that few programs know */
  write(bytes: Buffer): string {
    return this.#read(this.#open.length === 0 ? bytes : Buffer.concat([this.#open, bytes]), false)
  }

  end(): string {
    return this.#read(this.#open, true)
  }

  #read(bytes: Buffer, isLast: boolean): string {
    const texts: string[] = []
    const run = new Run(bytes.length)
    let at = 0
    const flush = (set: CharacterSet) => {
      const read = run.take()
      if (read.length > 0) texts.push(this.#decode(read, ENCODING[set]))
    }
    while (at < bytes.length) {
      const byte = bytes[at] as number
      const set = this.#isShifted ? this.#shiftedSet : this.#set
      const isSign = this.#isHz ? byte === TILDE : byte === ESCAPE
      // a sign or a character of two bytes may go on in the next chunk
      if (!isLast && (isSign || set !== 'ascii') && at + LONGEST >= bytes.length) break
      const length = isSign ? this.#sign(bytes, at) : this.#control(byte)
      if (length > 0) {
        flush(set)
        if (this.#isHz && bytes[at + 1] === TILDE) texts.push('~')
        at += length
      } else at += run.add(set, bytes, at)
    }
    flush(this.#isShifted ? this.#shiftedSet : this.#set)
    this.#open = Buffer.from(bytes.subarray(at))
    return texts.join('')
  }

  /** Returns the length of an escape sequence. 0: the byte is a character. */
  #sign(bytes: Buffer, at: number): number {
    const next = bytes.toString('latin1', at + 1, at + 1 + LONGEST)
    if (this.#isHz) {
      if (next.startsWith('{')) this.#set = 'gb'
      else if (next.startsWith('}')) this.#set = 'ascii'
      else return /^[~\r\n]/.test(next) ? (next.startsWith('\r\n') ? 3 : 2) : 0
      return 2
    }
    for (let length = 2; length <= LONGEST; length++) {
      const sequence = next.slice(0, length)
      const [set, shifted] = [DESIGNATIONS.get(sequence), SHIFTED.get(sequence)]
      if (set !== undefined) this.#set = set
      else if (shifted !== undefined) this.#shiftedSet = shifted
      else continue
      return length + 1
    }
    throw new UnreadableError(`a text is in the charset "${this.#label.slice(0, 40)}"`)
  }

  #control(byte: number): number {
    if (byte === SHIFT_OUT || byte === SHIFT_IN) {
      this.#isShifted = byte === SHIFT_OUT
      return 1
    }
    // RFC 1557 and 1843: a line ends in ASCII
    if (byte === LF || byte === CR) {
      this.#isShifted = false
      if (this.#isHz) this.#set = 'ascii'
    }
    return 0
  }
}

/** Bytes of one encoding. */
class Run {
  readonly #bytes: Buffer
  #from = 0
  #length = 0

  constructor(most: number) {
    // a character of one or two bytes becomes one of two or three
    this.#bytes = Buffer.allocUnsafe(2 * most)
  }

  /** Adds a character. Returns the number of bytes read. */
  add(set: CharacterSet, from: Buffer, at: number): number {
    const [byte = 0, next = 0] = [from[at], from[at + 1]]
    const isGraphic = byte > 0x20 && byte < 0x7f
    if (set === 'ascii' || !isGraphic) {
      this.#bytes[this.#length++] = byte
      return 1
    }
    const prefix = PREFIX[set]
    if (prefix !== undefined) this.#bytes[this.#length++] = prefix
    this.#bytes[this.#length++] = byte | 0x80
    if (set === 'katakana' || next <= 0x20 || next >= 0x7f) return 1
    this.#bytes[this.#length++] = next | 0x80
    return 2
  }

  /** The bytes since the last call. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#from, this.#length)
    this.#from = this.#length
    return taken
  }
}
