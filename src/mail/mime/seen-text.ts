// Text as its reader sees it, put together of chunks: without characters that nobody sees, blanks of every script as blanks,
// line ends as \n, nothing around it, and no more of it than the limit.

import type { CutText } from '../content'

/**
 * Unicode's default ignorable code points: zero widths, soft hyphens, marks of direction, tags, variation selectors.
 * And control characters, marks of annotations, but no white space.
 */
// oxlint-disable-next-line no-control-regex
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\0-\x08\x0e-\x1f\x7f\ufff9-\ufffb]/gu
/** Fillers of Hangul are ignorable too, but take a blank's place. */
const BLANKS = /[\p{Zs}\u115f\u1160\u3164\uffa0\u2800]/gu
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g
// oxlint-disable-next-line no-control-regex
const IS_PLAIN = /^[\t\n\x20-\x7e]*$/

export function seenText(text: string): string {
  if (IS_PLAIN.test(text)) return text
  return text.replace(BLANKS, ' ').replace(UNSEEN, '').replace(LINE_ENDS, '\n')
}

/** A pattern that is compared with such text. */
export function seenPattern(pattern: string): string {
  return pattern.replace(BLANKS, ' ').replace(UNSEEN, '')
}

/** In UTF-16 units. */
export class SeenText {
  readonly #limit: number
  readonly #parts: string[] = []
  #length = 0
  /** White space that counts when something follows. */
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
    this.#push(seenText(this.#open === '' ? raw : raw.slice(0, -1)))
  }

  end(): CutText {
    this.#push(seenText(this.#open))
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

  /** As much as tells that the text is too long. */
  #cut(text: string): string {
    return this.#length === 0 && text.trim() === '' ? '' : text.slice(0, this.#limit - this.#length + 1)
  }
}
