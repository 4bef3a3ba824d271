// The text of HTML as its reader sees it: tags, comments, scripts and styles gone, entities decoded, white space folded,
// each block on a line of its own, and behind a link where it leads. Never throws, in linear time, whatever the nesting.

import { type QuoteType, Tokenizer } from 'htmlparser2'
import type { CutText } from './content'

/** HTML standard, section 15.3, "Rendering": elements that are displayed as blocks, and what breaks a line. */
const BLOCKS = new Set(
  'address article aside blockquote body br center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody td textarea tfoot th thead title tr ul'.split(
    ' ',
  ),
)
/** HTML standard, section 15.3.1, "Hidden elements": whose text is no text. */
const HIDDEN = new Set(['script', 'style'])
const LINKS = new Set(['a', 'area'])
/** Marks where a word may be broken: nobody sees them, so no pattern has to know of them. */
const UNSEEN = /[\u00ad\u200b]/g
const SLICE_CHARACTERS = 65_536

/** At most `limit` characters, in UTF-16 units. */
export function htmlText(html: string, limit: number): CutText {
  const writer = new Writer(limit)
  const reader = new Reader(html, writer)
  const tokenizer = new Tokenizer({ decodeEntities: true }, reader)
  for (let at = 0; at < html.length && !writer.isFull; at += SLICE_CHARACTERS) {
    tokenizer.write(html.slice(at, at + SLICE_CHARACTERS))
  }
  tokenizer.end()
  return writer.end()
}

/** White space as a browser folds it. */
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
    const text = raw.replace(UNSEEN, '').replace(/\s+/g, ' ')
    if (text === '') return
    if (text.startsWith(' ')) this.#gap ||= ' '
    const bare = text.trim()
    if (bare === '') return
    this.#push(this.#length === 0 ? bare : this.#gap + bare)
    this.#gap = text.endsWith(' ') ? ' ' : ''
  }

  line(): void {
    this.#gap = '\n'
  }

  end(): CutText {
    return { text: this.#parts.join('').slice(0, this.#limit), isCut: this.isFull }
  }

  #push(text: string): void {
    this.#parts.push(text)
    this.#length += text.length
  }
}

/** What the tokenizer calls; places are those of the whole HTML. */
class Reader {
  readonly #html: string
  readonly #writer: Writer
  #tag = ''
  #hidden = ''
  #attribute = ''
  #value = ''
  #target = ''

  constructor(html: string, writer: Writer) {
    this.#html = html
    this.#writer = writer
  }

  ontext(start: number, end: number): void {
    if (this.#hidden === '') this.#writer.text(this.#html.slice(start, end))
  }

  ontextentity(codepoint: number): void {
    if (this.#hidden === '') this.#writer.text(String.fromCodePoint(codepoint))
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase()
    if (HIDDEN.has(this.#tag)) this.#hidden = this.#tag
    if (BLOCKS.has(this.#tag)) this.#writer.line()
    if (LINKS.has(this.#tag)) this.#showTarget()
  }

  onattribname(start: number, end: number): void {
    this.#attribute = LINKS.has(this.#tag) ? this.#html.slice(start, end).toLowerCase() : ''
    this.#value = ''
  }

  onattribdata(start: number, end: number): void {
    if (this.#attribute === 'href') this.#value += this.#html.slice(start, end)
  }

  onattribentity(codepoint: number): void {
    if (this.#attribute === 'href') this.#value += String.fromCodePoint(codepoint)
  }

  onattribend(_quote: QuoteType): void {
    // HTML standard, section 13.2.5.33: of an attribute that stands twice the first counts
    if (this.#attribute === 'href' && this.#target === '') this.#target = this.#value.trim()
    this.#attribute = ''
  }

  onclosetag(start: number, end: number): void {
    const tag = this.#html.slice(start, end).toLowerCase()
    if (tag === this.#hidden) this.#hidden = ''
    if (tag === 'a') this.#showTarget()
    if (BLOCKS.has(tag)) this.#writer.line()
  }

  onend(): void {
    this.#showTarget()
  }

  #showTarget(): void {
    if (this.#target !== '') this.#writer.text(` [${this.#target}] `)
    this.#target = ''
  }

  onopentagend(): void {}
  onselfclosingtag(): void {}
  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
}
