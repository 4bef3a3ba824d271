// Splits HTML into tags and text as browsers do (HTML standard, section 13.2.5), in chunks and in linear time.
// Keeps only the attributes that its caller asks for. Never throws; memory is two chunks and ATTRIBUTE_CHARACTERS.

import { decodeHTML, decodeHTMLAttribute } from 'entities'
import { commentEnd, endsName, endTagOf, GREATER, isBlank, isLetter, SLASH } from './html-places'

export type Attributes = ReadonlyMap<string, string>

export interface HtmlEvents {
  text(text: string): void
  /** `attributes`: those of `wanted` for this tag; of two with one name the first (section 13.2.5.33). */
  open(tag: string, attributes: Attributes): void
  close(tag: string): void
  /** True: the next tag's style, class and `hidden` are wanted, too. */
  asksForStyle(): boolean
  /** The content of a `<style>`, in pieces. */
  style(css: string): void
  /** The inside of a comment for Outlook, `<!--[if mso]>...<![endif]-->`, which it displays. */
  conditional(html: string): void
  /** True: nothing more needs to be read. */
  isFull(): boolean
}

/** Names of attributes by tag, all in lower case. */
export type Wanted = ReadonlyMap<string, ReadonlySet<string>>

/** Section 13.2.6.4: elements whose content is text, not tags. In SVG and MathML they are ordinary elements. */
const TEXT_ELEMENTS = new Set('script style xmp iframe noembed noframes textarea title'.split(' '))
/** Section 15.3.1: their text isn't displayed. */
const HIDDEN = new Set(['script', 'style'])
/** The text elements in which entities are decoded. */
const ESCAPABLE = new Set(['textarea', 'title'])
const FOREIGN = new Set(['svg', 'math'])
/** Longer values are dropped: browsers' own limits for links are between 2,000 and 64,000 characters. */
const ATTRIBUTE_CHARACTERS = 65_536
/** An incomplete tag name of more characters is read as it is. */
const NAME_CHARACTERS = 1000
/** No name of an entity is longer (section 13.5). */
const ENTITY_CHARACTERS = 40

/** Behind `<!--`: a comment for Outlook. */
const CONDITIONAL = '[if'
/** `--!>` may begin in this chunk and end in the next. */
const COMMENT_END_CHARACTERS = 3

/** Attributes of any element that change how its text is displayed. */
const STYLE_NAMES = new Set(['style', 'class', 'hidden'])

const NO_ATTRIBUTES: Attributes = new Map()

const [QUOTE, APOSTROPHE, EQUALS] = [0x22, 0x27, 0x3d]

/** A tag whose attributes are being read. */
interface OpenTag {
  name: string
  isEnd: boolean
  isStyled: boolean
  attributes: Map<string, string> | undefined
}

export class HtmlScanner {
  readonly #events: HtmlEvents
  readonly #wanted: Wanted
  /** The HTML that is still being read, and the offset of the next character. */
  #html = ''
  #at = 0
  #isLast = false
  #tag: OpenTag | undefined
  /** The element whose content is text. '': none. */
  #textElement = ''
  /** The end of a long value or comment: everything before it is left out. '': nothing is. */
  #skipTo: '' | '>' | '"' | "'" | '-->' = ''
  #foreignDepth = 0

  constructor(events: HtmlEvents, wanted: Wanted) {
    this.#events = events
    this.#wanted = wanted
  }

  write(chunk: string): void {
    // some programs leave NUL out before they parse
    const html = chunk.includes('\0') ? chunk.replaceAll('\0', '') : chunk
    this.#html = this.#at < this.#html.length ? this.#html.slice(this.#at) + html : html
    this.#at = 0
    this.#scan()
  }

  end(): void {
    this.#isLast = true
    this.write('')
  }

  #scan(): void {
    for (let before = -1; this.#at < this.#html.length && !this.#events.isFull(); ) {
      // nothing can be read without more
      if (before === this.#at) return
      before = this.#at
      if (this.#skipTo !== '') this.#skip()
      else if (this.#tag !== undefined) this.#attributes(this.#tag)
      else if (this.#textElement !== '') this.#elementText()
      else this.#data()
    }
  }

  #data(): void {
    const html = this.#html
    const open = html.indexOf('<', this.#at)
    if (open < 0) this.#lastText()
    else {
      if (open > this.#at) this.#text(html.slice(this.#at, open))
      this.#at = open
      this.#markup(open)
    }
  }

  /** Text without a tag behind it. */
  #lastText(): void {
    const end = this.#beforeEntity(this.#html.length)
    if (end > this.#at) this.#text(this.#html.slice(this.#at, end))
    this.#at = end
  }

  /** The end of a text, or before an entity that may go on in the next chunk. */
  #beforeEntity(end: number): number {
    const from = Math.max(this.#at, end - ENTITY_CHARACTERS)
    const entity = this.#isLast ? -1 : this.#html.indexOf('&', from)
    return entity < 0 ? end : Math.min(entity, end)
  }

  #text(raw: string): void {
    this.#events.text(raw.includes('&') ? decodeHTML(inRange(raw)) : raw)
  }

  #markup(open: number): void {
    const html = this.#html
    const isEnd = html.charCodeAt(open + 1) === SLASH
    const nameAt = isEnd ? open + 2 : open + 1
    if (isLetter(html.charCodeAt(nameAt))) {
      let end = nameAt + 1
      while (end < html.length && !endsName(html.charCodeAt(end))) end++
      if (end === html.length && !this.#isLast && end - nameAt < NAME_CHARACTERS) return
      const name = html.slice(nameAt, end).toLowerCase()
      if (html.charCodeAt(end) === GREATER) {
        this.#at = end + 1
        this.#finish(name, isEnd)
        return
      }
      this.#tag = { name, isEnd, isStyled: !isEnd && this.#events.asksForStyle(), attributes: undefined }
      this.#at = end
      return
    }
    if (nameAt >= html.length && !this.#isLast) return
    const sign = html[open + 1]
    if (html.startsWith('<!--', open)) this.#comment(open)
    else if (!this.#isLast && '<!--'.startsWith(html.slice(open))) return
    else if (sign === '!' || sign === '?' || (isEnd && nameAt < html.length)) {
      this.#at = nameAt
      this.#skipTo = '>'
    } else {
      this.#text(isEnd ? '</' : '<')
      this.#at = nameAt
    }
  }

  /** Sections 13.2.5.43 to 52: `-->` and `--!>` end it, and so do `>` and `->` at its beginning. */
  #comment(open: number): void {
    const html = this.#html
    const from = open + 4
    if (!this.#isLast && html.length < from + CONDITIONAL.length) return
    const empty = html.startsWith('>', from) ? 1 : html.startsWith('->', from) ? 2 : 0
    if (empty > 0) {
      this.#at = from + empty
      return
    }
    const isConditional = html.startsWith(CONDITIONAL, from)
    const { at, next } = commentEnd(html, from)
    if (at < 0 && !this.#isLast && isConditional && html.length - from < ATTRIBUTE_CHARACTERS) return
    if (isConditional) {
      const inside = html.indexOf(']>', from)
      const end = at < 0 ? html.length : at
      if (inside >= 0 && inside < end) this.#events.conditional(html.slice(inside + 2, end))
    }
    this.#at = at < 0 ? from : next
    if (at < 0) this.#skipTo = '-->'
  }

  #skip(): void {
    const html = this.#html
    const isComment = this.#skipTo === '-->'
    const next = isComment ? commentEnd(html, this.#at).next : html.indexOf(this.#skipTo, this.#at) + 1 || -1
    if (next >= 0) {
      this.#at = next
      this.#skipTo = ''
    } else if (isComment && !this.#isLast) this.#at = Math.max(this.#at, html.length - COMMENT_END_CHARACTERS)
    else this.#at = html.length
  }

  #elementText(): void {
    const html = this.#html
    const element = this.#textElement
    const end = endTagOf(html, element, this.#at)
    // the end tag may begin in this chunk
    const reached = this.#isLast ? html.length : Math.max(this.#at, html.length - element.length - 3)
    const to = end < 0 ? this.#beforeEntity(reached) : end
    if (to > this.#at && element === 'style') this.#events.style(html.slice(this.#at, to))
    else if (to > this.#at && !HIDDEN.has(element)) {
      const text = html.slice(this.#at, to)
      if (ESCAPABLE.has(element)) this.#text(text)
      else this.#events.text(text)
    }
    this.#at = to
    if (end >= 0) this.#textElement = ''
  }

  /** Reads attributes until the tag ends, or the chunk. */
  #attributes(tag: OpenTag): void {
    const html = this.#html
    const wanted = tag.isEnd ? undefined : this.#wanted.get(tag.name)
    let at = this.#at
    for (;;) {
      let code = html.charCodeAt(at)
      while (code === SLASH || isBlank(code)) code = html.charCodeAt(++at)
      this.#at = at
      if (at >= html.length) return
      if (code === GREATER) {
        this.#at = at + 1
        this.#tag = undefined
        this.#finish(tag.name, tag.isEnd, tag.attributes)
        return
      }
      const nameAt = at++
      code = html.charCodeAt(at)
      while (at < html.length && code !== EQUALS && !endsName(code)) code = html.charCodeAt(++at)
      const nameEnd = at
      while (isBlank(code)) code = html.charCodeAt(++at)
      if (at >= html.length) break
      if (code !== EQUALS) {
        if (tag.isStyled) keep(tag, wanted, html.slice(nameAt, nameEnd), '')
        continue
      }
      code = html.charCodeAt(++at)
      while (isBlank(code)) code = html.charCodeAt(++at)
      if (at >= html.length) break
      if (code === GREATER) continue
      let from = at
      const isQuoted = code === QUOTE || code === APOSTROPHE
      if (isQuoted) {
        from = at + 1
        const quote = code === QUOTE ? '"' : "'"
        const end = html.indexOf(quote, from)
        if (end < 0) {
          if (html.length - from < ATTRIBUTE_CHARACTERS) break
          this.#at = html.length
          this.#skipTo = quote
          return
        }
        at = end
      } else {
        while (at < html.length && code !== GREATER && !isBlank(code)) code = html.charCodeAt(++at)
        if (at >= html.length && at - from < ATTRIBUTE_CHARACTERS) break
      }
      if (wanted !== undefined || tag.isStyled)
        keep(tag, wanted, html.slice(nameAt, nameEnd), html.slice(from, at))
      if (isQuoted) at++
    }
    // an attribute that the chunk breaks off is read again with the next one
    if (this.#isLast || html.length - this.#at > 2 * ATTRIBUTE_CHARACTERS) this.#at = html.length
  }

  #finish(name: string, isEnd: boolean, attributes: Attributes = NO_ATTRIBUTES): void {
    if (isEnd) {
      if (FOREIGN.has(name) && this.#foreignDepth > 0) this.#foreignDepth--
      this.#events.close(name)
      return
    }
    this.#events.open(name, attributes)
    if (FOREIGN.has(name)) this.#foreignDepth++
    else if (this.#foreignDepth === 0 && TEXT_ELEMENTS.has(name)) this.#textElement = name
  }
}

/** Section 13.2.5.80: a number that is no code point is U+FFFD. Of a very large one the decoder would throw. */
const OUT_OF_RANGE = /&#(?:x0*[1-9a-f][0-9a-f]{6,}|0*[1-9]\d{7,});?/gi
/** The decoder doesn't read a number that begins with some hundred zeros. */
const ZEROS = /(&#x?)0{8,}/gi

function inRange(text: string): string {
  if (!text.includes('&#')) return text
  return text.replace(OUT_OF_RANGE, '\ufffd').replace(ZEROS, (_, begin: string) => `${begin}0`)
}

function keep(tag: OpenTag, wanted: ReadonlySet<string> | undefined, written: string, value: string): void {
  const name = written.toLowerCase()
  if (!(wanted?.has(name) || (tag.isStyled && STYLE_NAMES.has(name))) || tag.attributes?.has(name) === true)
    return
  tag.attributes ??= new Map()
  tag.attributes.set(name, value.includes('&') ? decodeHTMLAttribute(inRange(value)) : value)
}
