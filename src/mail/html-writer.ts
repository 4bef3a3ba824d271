// Collects the text of HTML, and folds white space as a browser does.

import type { CutText } from './content'
import { reversed, reversedRuns, visibleText } from './mime/visible-text'
import { ShownText } from './shown-text'
import { MAY_BE_INVISIBLE } from './traits'

const SPACE = 0x20
/** White space that isn't one space. */
const NOT_ONE_SPACE = /[^\S ]\s*| \s+/g
/** Most text has one space between words, and stays as it is. */
const MAY_CHANGE = new RegExp(`${MAY_BE_INVISIBLE.source}|[\\t\\n]| {2}`)
/** Most text between two tags is shorter. */
const SHORT = 200
/** White space between tags. */
const BLANK = /^[\t\n\v\f\r ]+$/

export class HtmlWriter {
  readonly #limit: number
  readonly #parts: string[] = []
  readonly #reversed: string[] = []
  #length = 0
  #gap: '' | ' ' | '\n' = ''
  /** The same without hidden text, from the first hidden element on. */
  #shown: ShownText | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#length > this.#limit
  }

  /** The next text would continue the last word. */
  get isWithinWord(): boolean {
    return this.#gap === '' && this.#length > 0
  }

  get shown(): ShownText | undefined {
    return this.#shown
  }

  /** A hidden element begins here. */
  hide(tag: string): void {
    this.#shown ??= new ShownText(this.#copy())
    this.#shown.hide(tag)
  }

  #copy(): HtmlWriter {
    const copy = new HtmlWriter(this.#limit)
    copy.#parts.push(...this.#parts)
    copy.#length = this.#length
    return copy
  }

  text(raw: string): void {
    this.#shown?.text(raw)
    if (raw.charCodeAt(0) <= SPACE && BLANK.test(raw)) {
      this.#gap ||= ' '
      return
    }
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

  /** A target of printable ASCII without blanks, in brackets. */
  target(target: string): void {
    this.#shown?.text(` [${target}] `)
    this.#push(this.#length === 0 ? `[${target}]` : `${this.#gap || ' '}[${target}]`)
    this.#gap = ' '
  }

  /** A text that is shown from right to left, in the order in which it is written. */
  reversed(raw: string): void {
    if (!this.isFull) this.#reversed.push(folded(reversed(raw)))
  }

  line(): void {
    this.#shown?.line()
    this.#gap = '\n'
  }

  end(): CutText {
    const text = this.#parts.join('').slice(0, this.#limit)
    const shown = this.#shown?.end()
    return {
      text,
      ...(shown !== undefined && { shown }),
      isCut: this.isFull,
      ...(this.#reversed.length > 0 && { reversed: this.#reversed.join('\n') }),
    }
  }

  #folded(raw: string): string {
    if (raw.length < SHORT) {
      // most often it is the blank of HTML alone
      const plain = raw.replaceAll('\u00a0', ' ')
      if (!MAY_CHANGE.test(plain)) return plain
    }
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
