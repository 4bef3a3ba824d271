// The text of HTML as its reader sees it: without tags, comments, scripts and styles, entities decoded, white space
// folded, each block on its own line, and each link's target after its text. Never throws. Takes linear time for any
// nesting, and reads HTML in chunks.

import type { CutText } from './content'
import { targetOf } from './html-link'
import { type Attributes, type HtmlEvents, HtmlScanner, type Wanted } from './html-scanner'
import { HtmlStyles, isShownFromTheRight, MAY_REVERSE } from './html-styles'
import { HtmlWriter } from './html-writer'

/** HTML standard, section 15.3: elements that are displayed as blocks or break a line. */
const BLOCKS = new Set(
  'address article aside blockquote body br center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody td textarea tfoot th thead title tr ul'.split(
    ' ',
  ),
)
/** The attributes that hold a target, or a text that is displayed: that of a picture while pictures are blocked, of a button. */
const WANTED: Wanted = new Map(
  Object.entries({
    a: ['href', 'xlink:href'],
    area: ['href', 'alt'],
    base: ['href'],
    bdo: ['dir'],
    button: ['formaction'],
    form: ['action'],
    img: ['alt'],
    // Outlook's buttons
    'v:rect': ['href'],
    'v:roundrect': ['href'],
    'v:shape': ['href'],
    'v:oval': ['href'],
    'v:group': ['href'],
    'v:image': ['href'],
    input: ['alt', 'formaction', 'placeholder', 'type', 'value'],
    textarea: ['placeholder'],
  }).map(([tag, names]) => [tag, new Set(names)]),
)
const TARGETS = ['href', 'xlink:href', 'action', 'formaction']
const SLICE_CHARACTERS = 65_536
/** Longer ones are ignored. */
const BASE_CHARACTERS = 4096
/** Comments for Outlook within each other: one level is what programs write. */
const CONDITIONAL_DEPTH = 3

/** `limit`: in UTF-16 units. */
export function htmlText(html: string, limit: number): CutText {
  return htmlTextOf(() => [html], limit)
}

/** htmlText of chunks. Calls `chunks` twice if HTML has relative links and a `<base>`. `base`: for HTML without it. */
export function htmlTextOf(chunks: () => Iterable<string>, limit: number, base = ''): CutText {
  const writer = new HtmlWriter(limit)
  const reader = new Reader(writer, base)
  feed(chunks(), reader)
  if (reader.base === '' || !reader.isRelative) return writer.end()
  // the base also counts for links above it
  const again = new HtmlWriter(limit)
  feed(chunks(), new Reader(again, reader.base))
  return again.end()
}

function feed(chunks: Iterable<string>, reader: Reader): void {
  const scanner = new HtmlScanner(reader, WANTED)
  for (const chunk of chunks) {
    if (MAY_REVERSE.test(chunk)) reader.askAlways()
    for (let at = 0; at < chunk.length && !reader.isFull(); at += SLICE_CHARACTERS)
      scanner.write(chunk.length <= SLICE_CHARACTERS ? chunk : chunk.slice(at, at + SLICE_CHARACTERS))
    if (reader.isFull()) break
  }
  scanner.end()
  reader.end()
}

/** Writes the text that the scanner finds. */
class Reader implements HtmlEvents {
  readonly #writer: HtmlWriter
  readonly #from: string
  readonly #depth: number
  readonly #styles = new HtmlStyles()
  /** Styles of all elements may count, not only of those within a word. */
  #asksAlways = false
  #base = ''
  #isRelative = false
  /** Targets of open links: a form's is shown where it begins, as it may have no end. */
  #target = ''
  /** The text of an element that is shown from right to left, such as `<bdo dir=rtl>`. Undefined: none is open. */
  #reversed: { tag: string; depth: number; texts: string[] } | undefined

  constructor(writer: HtmlWriter, from = '', depth = 0) {
    this.#writer = writer
    this.#from = from
    this.#depth = depth
  }

  /** The target of the first `<base>` (HTML standard, section 4.2.3). */
  get base(): string {
    return this.#base
  }

  /** True: a link was written that a base would change. */
  get isRelative(): boolean {
    return this.#isRelative
  }

  isFull(): boolean {
    return this.#writer.isFull
  }

  text(text: string): void {
    this.#writer.text(text)
    this.#reversed?.texts.push(text)
  }

  asksForStyle(): boolean {
    return this.#asksAlways || this.#writer.isWithinWord || this.#writer.shown !== undefined
  }

  askAlways(): void {
    this.#asksAlways = true
  }

  style(css: string): void {
    this.#styles.add(css)
  }

  open(tag: string, attributes: Attributes): void {
    if (attributes.size > 0) this.#openStyled(tag, attributes)
    else if (this.#reversed?.tag === tag) this.#reversed.depth++
    this.#writer.shown?.open(tag)
    if (BLOCKS.has(tag)) this.#writer.line()
    if (tag === 'a' || tag === 'area') this.#showTarget()
    if (attributes.size === 0) return
    if (tag === 'base') {
      this.#base ||= (attributes.get('href') ?? '').trim().slice(0, BASE_CHARACTERS)
      return
    }
    for (const name of TARGETS) this.#target ||= attributes.get(name) ?? ''
    if (tag === 'a') return
    if (tag !== 'area') this.#showTarget()
    this.#showTexts(attributes)
  }

  close(tag: string): void {
    if (tag === 'a') this.#showTarget()
    if (tag === 'style') this.#styles.end()
    if (this.#reversed?.tag === tag && --this.#reversed.depth === 0) this.#showReversed()
    if (BLOCKS.has(tag)) this.#writer.line()
    this.#writer.shown?.close(tag)
  }

  conditional(html: string): void {
    if (this.#depth >= CONDITIONAL_DEPTH) return
    const inner = new Reader(this.#writer, this.#from, this.#depth + 1)
    feed([html], inner)
    this.#isRelative ||= inner.isRelative
  }

  end(): void {
    this.#showReversed()
    this.#showTarget()
  }

  #openStyled(tag: string, attributes: Attributes): void {
    const isAsked = this.#writer.isWithinWord || this.#writer.shown !== undefined
    if (isAsked && this.#styles.hide(attributes)) this.#writer.hide(tag)
    if (this.#reversed?.tag === tag) this.#reversed.depth++
    else if (isShownFromTheRight(tag, attributes)) this.#reversed ??= { tag, depth: 1, texts: [] }
  }

  #showTexts(attributes: Attributes): void {
    if (attributes.get('type')?.toLowerCase() === 'hidden') return
    for (const name of ['alt', 'value', 'placeholder']) {
      const text = attributes.get(name)
      if (text !== undefined) this.#writer.text(` ${text} `)
    }
  }

  #showReversed(): void {
    const text = this.#reversed?.texts.join('')
    this.#reversed = undefined
    if (text !== undefined) this.#writer.reversed(text)
  }

  #showTarget(): void {
    if (this.#target === '') return
    const { target, decoded, isRelative, isUsual } = targetOf(this.#target, this.#from)
    this.#isRelative ||= isRelative
    if (isUsual) this.#writer.target(target)
    else this.#writer.text(decoded === undefined ? ` [${target}] ` : ` [${target}] [${decoded}] `)
    this.#target = ''
  }
}
