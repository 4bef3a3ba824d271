// Searches for a long expression of which each step is one character, such as `a[ab]{296}x`: all steps at once, with one bit
// for each (Baeza-Yates and Gonnet, "A new approach to text searching", CACM 35/10). A text that keeps every step in doubt costs
// no more than any other. Never throws.

import type { RegexTree } from './regex-tree'

/** Shorter ones cost the library's automaton no more. */
const FEWEST_STEPS = 32
/** Numbers in the table of masks: 4 bytes each. Classes of thousands of ranges are left to the library. */
const MOST_CELLS = 65_536
/** Characters times words of 32 steps: some 15 ms. */
const AT_ONCE = 8_000_000

/** First and last code point of ranges, ascending. */
type Ranges = readonly number[]

export class FixedSteps {
  readonly #words: number
  /** The last step's bit, in the last word. */
  readonly #end: number
  /** The first code points of intervals in which all characters are alike to every step, ascending from 0. */
  readonly #starts: Uint32Array
  /** For each interval its words. Bit i: the step i accepts these characters. */
  readonly #masks: Uint32Array
  /** The interval of each ASCII character. */
  readonly #ascii: Uint16Array
  readonly #state: Uint32Array

  constructor(steps: readonly Ranges[], starts: readonly number[]) {
    this.#words = wordsFor(steps.length)
    this.#end = 1 << ((steps.length - 1) & 31)
    this.#starts = Uint32Array.from(starts)
    this.#masks = new Uint32Array(starts.length * this.#words)
    this.#state = new Uint32Array(this.#words)
    for (const [step, ranges] of steps.entries()) {
      for (const [interval, start] of starts.entries()) {
        if (!holds(ranges, start)) continue
        const cell = interval * this.#words + (step >>> 5)
        this.#masks[cell] = (this.#masks[cell] ?? 0) | (1 << (step & 31))
      }
    }
    this.#ascii = Uint16Array.from({ length: 128 }, (_, point) => this.#intervalOf(point))
  }

  /** False: the text is so long that it must be searched elsewhere. */
  fits(text: string): boolean {
    return text.length * this.#words <= AT_ONCE
  }

  isIn(text: string): boolean {
    const [words, masks, state, ascii] = [this.#words, this.#masks, this.#state.fill(0), this.#ascii]
    const last = words - 1
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      let interval: number
      if (unit < 128) interval = ascii[unit] as number
      else {
        const point = text.codePointAt(at) as number
        if (point > 0xffff) at++
        interval = this.#intervalOf(point)
      }
      const mask = interval * words
      let carry = 1
      for (let word = 0; word < words; word++) {
        const old = state[word] as number
        state[word] = ((old << 1) | carry) & (masks[mask + word] as number)
        carry = old >>> 31
      }
      if (((state[last] as number) & this.#end) !== 0) return true
    }
    return false
  }

  #intervalOf(point: number): number {
    const starts = this.#starts
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] as number) <= point) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Undefined: its steps aren't fixed, or are few. */
export function fixedSteps(tree: RegexTree): FixedSteps | undefined {
  const steps = stepsOf(tree)
  if (steps === undefined || steps.length < FEWEST_STEPS) return undefined
  const starts = new Set([0])
  for (const ranges of new Set(steps)) {
    for (let at = 0; at < ranges.length; at += 2) {
      starts.add(ranges[at] ?? 0)
      starts.add((ranges[at + 1] ?? 0) + 1)
    }
  }
  if (starts.size * wordsFor(steps.length) > MOST_CELLS) return undefined
  return new FixedSteps(
    steps,
    [...starts].toSorted((a, b) => a - b),
  )
}

function stepsOf(tree: RegexTree): Ranges[] | undefined {
  switch (tree.kind) {
    case 'literal': {
      const steps = tree.points.map(point => (tree.ignoresCase ? casesOf(point) : [point, point]))
      return steps.every(step => step !== undefined) ? steps : undefined
    }
    case 'class':
      return [tree.ranges]
    case 'sequence': {
      const steps: Ranges[] = []
      for (const part of tree.parts) {
        const more = stepsOf(part)
        if (more === undefined) return undefined
        steps.push(...more)
      }
      return steps
    }
    default:
      return undefined
  }
}

/** All cases of an ASCII character (Unicode, CaseFolding.txt). Undefined: of other characters they aren't known here. */
function casesOf(point: number): Ranges | undefined {
  if (point >= 0x80) return undefined
  const character = String.fromCodePoint(point)
  const [upper, lower] = [character.toUpperCase(), character.toLowerCase()]
  if (upper === lower) return [point, point]
  const cases = [upper, lower, ...(OTHER_CASES[lower] ?? [])].map(one => one.codePointAt(0) ?? 0)
  return cases.flatMap(one => [one, one])
}

/** The long s, and the Kelvin sign. */
const OTHER_CASES: Readonly<Record<string, readonly string[]>> = { s: ['\u017f'], k: ['\u212a'] }

function wordsFor(steps: number): number {
  return Math.ceil(steps / 32)
}

function holds(ranges: Ranges, point: number): boolean {
  for (let at = 0; at < ranges.length; at += 2)
    if (point >= (ranges[at] ?? 0) && point <= (ranges[at + 1] ?? 0)) return true
  return false
}
