// The text of HTML as its reader sees it: without tags, comments, scripts and styles, entities decoded, white space
// folded, each block on its own line, and each link's target after its text. Never throws. Takes linear time for any
// nesting, and reads HTML in chunks, keeping two at most.

import { type QuoteType, Tokenizer } from 'htmlparser2'
import type { CutText } from './content'
import { visibleText } from './mime/visible-text'

/** HTML standard, section 15.3: elements that are displayed as blocks or break a line. */
const BLOCKS = new Set(
  'address article aside blockquote body br center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody td textarea tfoot th thead title tr ul'.split(
    ' ',
  ),
)
/** HTML standard, section 15.3.1, "Hidden elements": their text isn't displayed. */
const HIDDEN = new Set(['script', 'style'])
const LINKS = new Set(['a', 'area'])
const SLICE_CHARACTERS = 65_536
/** Longer targets are ignored: browsers' own limits are between 2,000 and 64,000 characters. */
const TARGET_CHARACTERS = 65_536
const BASE_CHARACTERS = 4096

const SPACE = 0x20
/** White space that isn't one space: most is, and replacing it too would cost more than all the rest. */
const NOT_ONE_SPACE = /[^\S ]\s*| \s+/g

/** `limit`: in UTF-16 units. */
export function htmlText(html: string, limit: number): CutText {
  return htmlTextOf(() => [html], limit)
}

/** As htmlText. Calls `chunks` once, or twice if relative links come before the HTML's `<base>`. */
export function htmlTextOf(chunks: () => Iterable<string>, limit: number): CutText {
  const writer = new Writer(limit)
  const reader = new Reader(writer)
  feed(chunks(), reader, () => writer.isFull)
  if (reader.base === '' || !reader.isRelative) return writer.end()
  // the base also counts for links above it
  const again = new Writer(limit)
  feed(chunks(), new Reader(again, reader.base), () => again.isFull)
  return again.end()
}

function feed(chunks: Iterable<string>, reader: Reader, isFull: () => boolean): void {
  const tokenizer = new Tokenizer({ decodeEntities: true }, reader)
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length && !isFull(); at += SLICE_CHARACTERS) {
      const slice = chunk.slice(at, at + SLICE_CHARACTERS)
      reader.add(slice)
      tokenizer.write(slice)
    }
    if (isFull()) break
  }
  tokenizer.end()
}

/** Collects text, and folds white space as a browser does. */
class Writer {
  readonly #limit: number
  readonly #parts: string[] = []
  #length = 0
  #gap: '' | ' ' | '\n' = ''

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#length > this.#limit
  }

  text(raw: string): void {
    const text = visibleText(raw).replace(NOT_ONE_SPACE, ' ')
    if (text === '') return
    const isAfterBlank = text.charCodeAt(0) === SPACE
    if (isAfterBlank) {
      this.#gap ||= ' '
      if (text.length === 1) return
    }
    const isBeforeBlank = text.charCodeAt(text.length - 1) === SPACE
    const bare = text.slice(isAfterBlank ? 1 : 0, isBeforeBlank ? -1 : text.length)
    this.#push(this.#length === 0 ? bare : this.#gap + bare)
    this.#gap = isBeforeBlank ? ' ' : ''
  }

  line(): void {
    this.#gap = '\n'
  }

  end(): CutText {
    return { text: this.#parts.join('').slice(0, this.#limit), isCut: this.isFull }
  }

  #push(text: string): void {
    if (this.isFull) return
    this.#parts.push(text)
    this.#length += text.length
  }
}

/** The callbacks of the tokenizer. Their offsets count from the beginning of the HTML. */
class Reader {
  readonly #writer: Writer
  /** The last two chunks. Every name that counts begins in one of them, as longer names are ignored. */
  #last = ''
  #window = ''
  #windowAt = 0
  readonly #from: string
  #base = ''
  #isRelative = false
  #tag = ''
  #hidden = ''
  #attribute = ''
  #value: string[] = []
  #valueLength = 0
  #target = ''

  constructor(writer: Writer, from = '') {
    this.#writer = writer
    this.#from = from
  }

  /** The target of the first `<base>` (HTML standard, section 4.2.3). */
  get base(): string {
    return this.#base
  }

  /** True: a link was written that a base would change. */
  get isRelative(): boolean {
    return this.#isRelative
  }

  add(slice: string): void {
    this.#windowAt += this.#window.length - this.#last.length
    this.#window = this.#last + slice
    this.#last = slice
  }

  ontext(start: number, end: number): void {
    if (this.#hidden === '') this.#writer.text(this.#slice(start, end))
  }

  ontextentity(codepoint: number): void {
    if (this.#hidden === '') this.#writer.text(String.fromCodePoint(codepoint))
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#slice(start, end).toLowerCase()
    if (HIDDEN.has(this.#tag)) this.#hidden = this.#tag
    if (BLOCKS.has(this.#tag)) this.#writer.line()
    if (LINKS.has(this.#tag)) this.#showTarget()
  }

  onattribname(start: number, end: number): void {
    const counts = LINKS.has(this.#tag) || this.#tag === 'base'
    this.#attribute = counts ? this.#slice(start, end).toLowerCase() : ''
    this.#value = []
    this.#valueLength = 0
  }

  onattribdata(start: number, end: number): void {
    if (this.#attribute === 'href') this.#addValue(this.#slice(start, end))
  }

  onattribentity(codepoint: number): void {
    if (this.#attribute === 'href') this.#addValue(String.fromCodePoint(codepoint))
  }

  onattribend(_quote: QuoteType): void {
    if (this.#attribute === 'href') {
      // URL standard, section 4.4: blanks around it, and line ends and tabs in it, are removed
      const value = this.#value
        .join('')
        .replace(/[\t\n\r]/g, '')
        .trim()
      if (this.#tag === 'base') this.#base ||= value.slice(0, BASE_CHARACTERS)
      // HTML standard, section 13.2.5.33: the first of two attributes with one name counts
      else if (this.#target === '') this.#target = value
    }
    this.#attribute = ''
  }

  onclosetag(start: number, end: number): void {
    const tag = this.#slice(start, end).toLowerCase()
    if (tag === this.#hidden) this.#hidden = ''
    if (tag === 'a') this.#showTarget()
    if (BLOCKS.has(tag)) this.#writer.line()
  }

  onend(): void {
    this.#showTarget()
  }

  #slice(start: number, end: number): string {
    return this.#window.slice(Math.max(0, start - this.#windowAt), Math.max(0, end - this.#windowAt))
  }

  #addValue(text: string): void {
    if (this.#valueLength > TARGET_CHARACTERS) return
    this.#value.push(text)
    this.#valueLength += text.length
  }

  #showTarget(): void {
    if (this.#target === '') return
    const { target, isRelative } = resolve(this.#target, this.#from)
    this.#isRelative ||= isRelative
    this.#writer.text(` [${target}] `)
    this.#target = ''
  }

  onopentagend(): void {}
  onselfclosingtag(): void {}
  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
}

/** The link's target as a browser resolves it if the HTML names a base, else as written. */
function resolve(target: string, base: string): { target: string; isRelative: boolean } {
  // URL standard, section 4.4: with these schemes any number of slashes or backslashes may precede the host
  const absolute = /^(https?|ftp):[\\/]+/i.exec(target)
  if (absolute) return { target: `${absolute[1]}://${target.slice(absolute[0].length)}`, isRelative: false }
  if (/^(?!https?:|ftp:)[a-z][a-z0-9+.-]*:/i.test(target)) return { target, isRelative: false }
  if (base === '') return { target, isRelative: true }
  try {
    return { target: new URL(target, base.startsWith('//') ? `https:${base}` : base).href, isRelative: true }
  } catch {
    return { target, isRelative: true }
  }
}
