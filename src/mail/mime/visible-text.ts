// Text as its reader sees it, built from chunks: without invisible characters, with every kind of blank as a space and
// every line end as \n, without white space around it, and cut at a limit.

import type { CutText } from '../content'

/**
 * Unicode's default ignorable code points (zero width characters, soft hyphens, direction marks, tags, variation
 * selectors), control characters and interlinear annotation marks, but no white space.
 */
// oxlint-disable-next-line no-control-regex
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\0-\x08\x0e-\x1f\x7f\ufff9-\ufffb]/gu
/** Hangul fillers are ignorable too, but a reader sees a blank. */
const BLANKS = /[\p{Zs}\u115f\u1160\u3164\uffa0\u2800]/gu
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g
// oxlint-disable-next-line no-control-regex
const IS_PLAIN = /^[\t\n\x20-\x7e]*$/

export function visibleText(text: string): string {
  if (IS_PLAIN.test(text)) return text
  return text.replace(BLANKS, ' ').replace(INVISIBLE, '').replace(LINE_ENDS, '\n')
}

/** Prepares a pattern that is compared with such text. */
export function visiblePattern(pattern: string): string {
  return pattern.replace(BLANKS, ' ').replace(INVISIBLE, '')
}

/** Collects chunks. `limit` is in UTF-16 units. */
export class VisibleText {
  readonly #limit: number
  readonly #parts: string[] = []
  #length = 0
  /** White space that counts only if text follows. */
  #gap = ''
  /** A line end that the next chunk may complete. */
  #open = ''

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#length > this.#limit
  }

  write(chunk: string): void {
    const raw = this.#open + chunk
    this.#open = raw.endsWith('\r') ? '\r' : ''
    this.#push(visibleText(this.#open === '' ? raw : raw.slice(0, -1)))
  }

  end(): CutText {
    this.#push(visibleText(this.#open))
    this.#open = ''
    return { text: this.#parts.join('').slice(0, this.#limit), isCut: this.isFull }
  }

  #push(text: string): void {
    if (this.isFull) return
    const bare = text.trimEnd()
    if (bare === '') {
      this.#gap = this.#cut(this.#gap + text)
      return
    }
    const begun = this.#length === 0 ? bare.trimStart() : this.#gap + bare
    this.#gap = text.slice(bare.length)
    const kept = this.#cut(begun)
    this.#parts.push(kept)
    this.#length += kept.length
  }

  /** Cuts the text to one character more than the limit: enough to know that it is too long. */
  #cut(text: string): string {
    return this.#length === 0 && text.trim() === '' ? '' : text.slice(0, this.#limit - this.#length + 1)
  }
}
