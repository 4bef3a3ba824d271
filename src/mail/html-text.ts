// The text of HTML as its reader sees it: without tags, comments, scripts and styles, entities decoded, white space
// folded, each block on its own line, and each link's target after its text. Never throws. Takes linear time for any
// nesting, and reads HTML in chunks.

import type { CutText } from './content'
import { targetOf } from './html-link'
import { type Attributes, type HtmlEvents, HtmlScanner, type Wanted } from './html-scanner'
import { reversed, reversedRuns, visibleText } from './mime/visible-text'

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
const SPACE = 0x20
/** White space that isn't one space. */
const NOT_ONE_SPACE = /[^\S ]\s*| \s+/g
/** Most text is ASCII with one space between words, and stays as it is. */
const MAY_CHANGE = /[^ -~]| {2}/

/** `limit`: in UTF-16 units. */
export function htmlText(html: string, limit: number): CutText {
  return htmlTextOf(() => [html], limit)
}

/** As htmlText. Calls `chunks` once, or twice if the HTML has relative links and a `<base>`. `base`: of HTML without one. */
export function htmlTextOf(chunks: () => Iterable<string>, limit: number, base = ''): CutText {
  const writer = new Writer(limit)
  const reader = new Reader(writer, base)
  feed(chunks(), reader)
  if (reader.base === '' || !reader.isRelative) return writer.end()
  // the base also counts for links above it
  const again = new Writer(limit)
  feed(chunks(), new Reader(again, reader.base))
  return again.end()
}

function feed(chunks: Iterable<string>, reader: Reader): void {
  const scanner = new HtmlScanner(reader, WANTED)
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length && !reader.isFull(); at += SLICE_CHARACTERS)
      scanner.write(chunk.length <= SLICE_CHARACTERS ? chunk : chunk.slice(at, at + SLICE_CHARACTERS))
    if (reader.isFull()) break
  }
  scanner.end()
  reader.end()
}

/** Collects text, and folds white space as a browser does. */
class Writer {
  readonly #limit: number
  readonly #parts: string[] = []
  readonly #reversed: string[] = []
  #length = 0
  #gap: '' | ' ' | '\n' = ''

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#length > this.#limit
  }

  text(raw: string): void {
    const text = MAY_CHANGE.test(raw) ? this.#folded(raw) : raw
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

  /** A text that is shown from right to left, in the order in which it is written. */
  reversed(raw: string): void {
    if (!this.isFull) this.#reversed.push(folded(reversed(raw)))
  }

  line(): void {
    this.#gap = '\n'
  }

  end(): CutText {
    const text = this.#parts.join('').slice(0, this.#limit)
    return {
      text,
      isCut: this.isFull,
      ...(this.#reversed.length > 0 && { reversed: this.#reversed.join('\n') }),
    }
  }

  #folded(raw: string): string {
    for (const run of reversedRuns(raw)) this.#reversed.push(folded(run))
    return folded(raw)
  }

  #push(text: string): void {
    if (this.isFull) return
    this.#parts.push(text)
    this.#length += text.length
  }
}

function folded(raw: string): string {
  return visibleText(raw).replace(NOT_ONE_SPACE, ' ')
}

/** Writes what the scanner finds. */
class Reader implements HtmlEvents {
  readonly #writer: Writer
  readonly #from: string
  readonly #depth: number
  #base = ''
  #isRelative = false
  /** Targets of open links: a form's is shown where it begins, as it may have no end. */
  #target = ''
  /** The text of a `<bdo dir=rtl>`. Undefined: none is open. */
  #reversed: string[] | undefined

  constructor(writer: Writer, from = '', depth = 0) {
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
    this.#reversed?.push(text)
  }

  open(tag: string, attributes: Attributes): void {
    if (BLOCKS.has(tag)) this.#writer.line()
    if (tag === 'a' || tag === 'area') this.#showTarget()
    if (attributes.size === 0) return
    if (tag === 'base') {
      this.#base ||= (attributes.get('href') ?? '').trim().slice(0, BASE_CHARACTERS)
      return
    }
    if (tag === 'bdo') {
      if (attributes.get('dir')?.toLowerCase() === 'rtl') this.#reversed ??= []
      return
    }
    this.#target ||= TARGETS.map(name => attributes.get(name) ?? '').find(target => target !== '') ?? ''
    if (tag === 'a') return
    if (tag !== 'area') this.#showTarget()
    this.#showTexts(attributes)
  }

  close(tag: string): void {
    if (tag === 'a') this.#showTarget()
    if (tag === 'bdo') this.#showReversed()
    if (BLOCKS.has(tag)) this.#writer.line()
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

  #showTexts(attributes: Attributes): void {
    if (attributes.get('type')?.toLowerCase() === 'hidden') return
    for (const name of ['alt', 'value', 'placeholder']) {
      const text = attributes.get(name)
      if (text !== undefined) this.#writer.text(` ${text} `)
    }
  }

  #showReversed(): void {
    const text = this.#reversed?.join('')
    this.#reversed = undefined
    if (text !== undefined) this.#writer.reversed(text)
  }

  #showTarget(): void {
    if (this.#target === '') return
    const { target, decoded, isRelative } = targetOf(this.#target, this.#from)
    this.#isRelative ||= isRelative
    this.#writer.text(decoded === undefined ? ` [${target}] ` : ` [${target}] [${decoded}] `)
    this.#target = ''
  }
}
