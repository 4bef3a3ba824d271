// The text of RTF (Rich Text Format 1.9.1) as its reader sees it: without commands, tables of fonts and pictures, hidden text,
// and with the targets of links. RTF that Outlook made of HTML gives that HTML ([MS-OXRTFEX]). Linear, and never throws.

import { decodeBytes } from './charset'

export interface RtfText {
  text: string
  isHtml: boolean
}

interface Group {
  /** The group isn't text. `link`: it holds the target of a link; `html`: a tag of HTML. */
  kind: 'text' | 'skipped' | 'link' | 'html'
  /** Text that isn't displayed, or that stands only for readers of RTF. */
  isHidden: boolean
  isForRtf: boolean
  /** The font's charset. */
  charset: string
  /** Characters behind a `\u` for readers that don't know it. */
  substitutes: number
}

/** Destinations that aren't text. Those that begin with `\*` are left out unless known. */
const SKIPPED = new Set(
  'colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf filetbl listtable revtbl themedata datastore xmlnstbl'.split(
    ' ',
  ),
)
const CHARACTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    par: '\n',
    line: '\n',
    row: '\n',
    sect: '\n',
    page: '\n',
    cell: ' ',
    nestcell: ' ',
    nestrow: '\n',
    tab: '\t',
    emdash: '—',
    endash: '–',
    bullet: '•',
    lquote: '‘',
    rquote: '’',
    ldblquote: '“',
    rdblquote: '”',
    emspace: ' ',
    enspace: ' ',
  }),
)
/** Control symbols that stand for a character. */
const SYMBOLS: ReadonlyMap<string, string> = new Map([
  ['~', ' '],
  ['_', '-'],
  ['\n', '\n'],
  ['\r', '\n'],
  ['{', '{'],
  ['}', '}'],
  ['\\', '\\'],
])
/** Code pages of fonts by `\fcharset`. */
const FONT_CHARSETS: ReadonlyMap<number, number> = new Map([
  [77, 10000],
  [128, 932],
  [129, 949],
  [130, 1361],
  [134, 936],
  [136, 950],
  [161, 1253],
  [162, 1254],
  [163, 1258],
  [177, 1255],
  [178, 1256],
  [186, 1257],
  [204, 1251],
  [222, 874],
  [238, 1250],
])
/** `\word-12 `, with the blank that ends it. A longer word is none. */
const WORD = /\\([a-z]{1,32})(-?\d{1,10})? ?/iy
const BYTE = /'([0-9a-f]{2})/iy
const PLAIN = /[^\\{}\r\n]+/y
const NOT_ASCII = /[^\0-\x7f]/
const TARGET = /HYPERLINK\s+(?:\\[a-z]\s+)*"?([^"\s]+)/i
/** Groups within each other: programs write ten. Deeper ones share the last. */
const DEPTH = 500

/** More bytes of one charset are decoded in pieces. */
const RUN_BYTES = 65_536

/** `rtf`: bytes as Latin-1. */
export function rtfText(rtf: string): RtfText {
  return new Reader(rtf).read()
}

class Reader {
  readonly #rtf: string
  readonly #parts: string[] = []
  #at = 0
  #group: Group = { kind: 'text', isHidden: false, isForRtf: false, charset: '', substitutes: 1 }
  readonly #outer: Group[] = []
  #tooDeep = 0
  #isHtml = false
  #charset = ''
  readonly #fonts = new Map<number, string>()
  /** The number of the font that is read in the table of fonts. */
  #font: number | undefined
  #isFontTable = false
  /** Bytes of one charset, as a character may have two. */
  #bytes: number[] = []
  #link = ''
  /** Characters that still stand for a `\u`. */
  #left = 0

  constructor(rtf: string) {
    this.#rtf = rtf
  }

  read(): RtfText {
    while (this.#at < this.#rtf.length) this.#next()
    this.#flush()
    return { text: this.#parts.join(''), isHtml: this.#isHtml }
  }

  #next(): void {
    const sign = this.#rtf[this.#at]
    if (sign === '\\') this.#command()
    else if (sign === '{' || sign === '}') {
      this.#flush()
      this.#at++
      this.#left = 0
      if (sign === '{') this.#open()
      else this.#close()
    } else if (sign === '\r' || sign === '\n') this.#at++
    else this.#text()
  }

  #text(): void {
    PLAIN.lastIndex = this.#at
    const text = PLAIN.exec(this.#rtf)?.[0] ?? ''
    this.#at += text.length
    const skipped = Math.min(this.#left, text.length)
    this.#left -= skipped
    // the second byte of a character may be an ASCII letter
    if (this.#bytes.length > 0 || NOT_ASCII.test(text))
      for (let at = skipped; at < text.length; at++) this.#byte(text.charCodeAt(at))
    else this.#write(text.slice(skipped))
  }

  #byte(byte: number): void {
    this.#bytes.push(byte)
    if (this.#bytes.length >= RUN_BYTES) this.#flush()
  }

  #open(): void {
    if (this.#outer.length >= DEPTH) this.#tooDeep++
    else {
      this.#outer.push(this.#group)
      this.#group = { ...this.#group }
    }
  }

  #close(): void {
    if (this.#tooDeep > 0) {
      this.#tooDeep--
      return
    }
    const { kind } = this.#group
    this.#group = this.#outer.pop() ?? this.#group
    if (kind === 'link' && this.#group.kind !== 'link') {
      const target = TARGET.exec(this.#link)?.[1]
      this.#link = ''
      if (target !== undefined) this.#write(` [${target}] `)
    }
    if (this.#group.kind !== 'skipped') this.#isFontTable = false
  }

  #command(): void {
    WORD.lastIndex = this.#at
    const [whole, word, number] = WORD.exec(this.#rtf) ?? []
    if (whole !== undefined && word !== undefined) {
      this.#at += whole.length
      this.#word(word, number === undefined ? undefined : Number(number))
      return
    }
    BYTE.lastIndex = this.#at + 1
    const byte = BYTE.exec(this.#rtf)?.[1]
    if (byte !== undefined) {
      this.#at += 4
      if (this.#left > 0) this.#left--
      else this.#byte(Number.parseInt(byte, 16))
      return
    }
    const symbol = this.#rtf[this.#at + 1] ?? ''
    this.#at += 2
    if (symbol === '*') this.#ignorable()
    else this.#write(SYMBOLS.get(symbol) ?? '')
  }

  /** A destination that readers may leave out. */
  #ignorable(): void {
    WORD.lastIndex = this.#at
    const [whole = '', word = ''] = WORD.exec(this.#rtf) ?? []
    this.#at += whole.length
    if (this.#group.kind === 'skipped') return
    if (word === 'fldinst') this.#group.kind = 'link'
    else if (word === 'htmltag' && this.#isHtml && this.#group.kind === 'text') this.#group.kind = 'html'
    else this.#group.kind = 'skipped'
  }

  #word(word: string, number: number | undefined): void {
    const group = this.#group
    const character = CHARACTERS.get(word)
    if (character !== undefined) this.#write(character)
    else if (SKIPPED.has(word)) group.kind = 'skipped'
    else if (word === 'u' && number !== undefined) {
      this.#write(String.fromCharCode(number & 0xffff))
      this.#left = group.substitutes
    } else if (word === 'bin') this.#at += Math.max(0, number ?? 0)
    else this.#state(word, number ?? 1)
  }

  #state(word: string, number: number): void {
    const group = this.#group
    if (word === 'uc') group.substitutes = Math.max(0, number)
    else if (word === 'v') group.isHidden = number !== 0
    else if (word === 'htmlrtf') group.isForRtf = number !== 0
    else if (word === 'fromhtml') this.#isHtml = true
    else if (word === 'ansicpg') {
      this.#flush()
      this.#charset = `cp${number}`
    } else if (word === 'fonttbl') {
      group.kind = 'skipped'
      this.#isFontTable = true
    } else if (word === 'f') this.#setFont(number)
    else if (word === 'fcharset' && this.#isFontTable && this.#font !== undefined) {
      const page = FONT_CHARSETS.get(number)
      if (page !== undefined) this.#fonts.set(this.#font, `cp${page}`)
    } else if (word === 'fldinst' && group.kind === 'text') group.kind = 'link'
  }

  #setFont(number: number): void {
    if (this.#isFontTable) {
      this.#font = number
      return
    }
    const charset = this.#fonts.get(number) ?? ''
    if (charset !== this.#group.charset) this.#flush()
    this.#group.charset = charset
  }

  #flush(): void {
    if (this.#bytes.length === 0) return
    const bytes = Buffer.from(this.#bytes)
    this.#bytes = []
    this.#write(decodeBytes(bytes, this.#group.charset || this.#charset || 'cp1252'))
  }

  #write(text: string): void {
    if (text === '') return
    this.#flush()
    const { kind, isHidden, isForRtf } = this.#group
    if (kind === 'link') this.#link += text
    if (kind === 'skipped' || kind === 'link') return
    if (kind === 'text' && (isHidden || (this.#isHtml && isForRtf))) return
    const shown =
      this.#isHtml && kind === 'text' ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;') : text
    this.#parts.push(shown)
  }
}
