// Text as its reader sees it, built from chunks: without invisible characters, with every kind of blank as a space and
// every line end as \n, without white space around it, and cut at a limit.

import type { CutText } from '../content'
import { HAS_CR, HAS_INVISIBLE, mayBeInvisible, traitsOf } from '../traits'

/**
 * Unicode's default ignorable code points (zero width characters, soft hyphens, direction marks, tags, variation
 * selectors), control characters and interlinear annotation marks, but no white space.
 */
// oxlint-disable-next-line no-control-regex
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\0-\x08\x0e-\x1f\x7f\ufff9-\ufffb]/gu
/** Hangul fillers are ignorable too, but a reader sees a blank. */
const BLANKS = /[\p{Zs}\u115f\u1160\u3164\uffa0\u2800]/gu
const LINE_ENDS = /[\u0085\u2028\u2029]/g
/** A shorter text is tested by an expression: a pass over its units would cost more. */
const SHORT = 100

export function visibleText(raw: string): string {
  if (raw.length < SHORT) {
    const text = withoutCr(raw)
    return mayBeInvisible(text) ? shown(text) : text
  }
  const traits = traitsOf(raw)
  const text = (traits & HAS_CR) === 0 ? raw : withoutCr(raw)
  return (traits & HAS_INVISIBLE) === 0 ? text : shown(text)
}

function withoutCr(raw: string): string {
  return raw.includes('\r') ? raw.replaceAll('\r\n', '\n').replaceAll('\r', '\n') : raw
}

function shown(text: string): string {
  // most often it is the blank of HTML alone
  const plain = text.replaceAll('\u00a0', ' ')
  if (plain !== text && !mayBeInvisible(plain)) return plain
  return plain.replace(BLANKS, ' ').replace(INVISIBLE, '').replace(LINE_ENDS, '\n')
}

/** Right-to-left override: up to its end, or that of the line, programs show the characters from right to left. */
const OVERRIDDEN = /\u202e([^\u202c\n\r]+)/g

/** The parts of a text that are shown from right to left, each in the order in which a reader sees it. */
export function reversedRuns(text: string): string[] {
  if (!text.includes('\u202e')) return []
  return Array.from(text.matchAll(OVERRIDDEN), ([, run = '']) => reversed(run))
}

export function reversed(text: string): string {
  return Array.from(text).toReversed().join('')
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
