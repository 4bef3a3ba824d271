// A run of characters of one class without which an expression can't match, such as the 25 of `[a-z0-9]{25,34}`: a text
// without it need not be searched. Few texts have a long one, and most of a text is skipped when it is looked for.
// It may find none, never one that a matching text lacks.

import type { RegexTree } from './regex-tree'

/** Many usual words have so many letters. */
const FEWEST = 12
/** Characters below have a flag each; all others are one class. */
const LATIN_1 = 256

/** First and last code point of ranges. */
type Ranges = readonly number[]

interface Run {
  length: number
  ranges: Ranges
}

export class RequiredRun {
  readonly #length: number
  readonly #flags = new Uint8Array(LATIN_1)
  readonly #others: boolean

  constructor({ length, ranges }: Run) {
    this.#length = length
    for (let at = 0; at < ranges.length; at += 2) {
      const last = Math.min(ranges[at + 1] ?? 0, LATIN_1 - 1)
      for (let point = ranges[at] ?? 0; point <= last; point++) this.#flags[point] = 1
    }
    this.#others = ranges.some(point => point >= LATIN_1)
  }

  /** False: the expression doesn't match the text. */
  isIn(text: string): boolean {
    const length = this.#length
    for (let end = length - 1; end < text.length; ) {
      let at = end
      while (at > end - length && this.#accepts(text.charCodeAt(at))) at--
      if (at === end - length) return true
      // no run ends before it has this length behind the character that isn't one of it
      end = at + length
    }
    return false
  }

  #accepts(unit: number): boolean {
    return unit < LATIN_1 ? this.#flags[unit] === 1 : this.#others
  }
}

/** Undefined: the expression needs none. */
export function requiredRun(tree: RegexTree): RequiredRun | undefined {
  const run = runOf(tree)
  return run && new RequiredRun(run)
}

function runOf(tree: RegexTree): Run | undefined {
  switch (tree.kind) {
    case 'sequence':
      return longest([...sameInSequence(tree.parts), ...tree.parts.map(runOf)])
    case 'choice':
      return ofChoice(tree.parts.map(runOf))
    case 'repeat':
      return tree.least === 1 ? runOf(tree.part) : undefined
    default:
      return undefined
  }
}

/** Runs of one class written several times in a row, as the library writes a repetition. */
function sameInSequence(parts: readonly RegexTree[]): Run[] {
  const runs: Run[] = []
  let ranges: Ranges = []
  let length = 0
  const finish = () => {
    if (length >= FEWEST) runs.push({ length, ranges })
    length = 0
  }
  for (const part of parts) {
    if (part.kind === 'place') continue
    const own = part.kind === 'class' ? part.ranges : firstOfRepeat(part)
    if (own === undefined || (length > 0 && own.join() !== ranges.join())) finish()
    if (own === undefined) continue
    ranges = own
    length++
    // the part behind a repetition needn't stand beside its first character
    if (part.kind === 'repeat') finish()
  }
  finish()
  return runs
}

function firstOfRepeat(part: RegexTree): Ranges | undefined {
  return part.kind === 'repeat' && part.least === 1 && part.part.kind === 'class'
    ? part.part.ranges
    : undefined
}

function ofChoice(runs: readonly (Run | undefined)[]): Run | undefined {
  const all = runs.filter(run => run !== undefined)
  if (all.length === 0 || all.length < runs.length) return undefined
  return {
    length: Math.min(...all.map(({ length }) => length)),
    ranges: all.flatMap(({ ranges }) => ranges),
  }
}

function longest(runs: readonly (Run | undefined)[]): Run | undefined {
  return runs.reduce((best, run) => ((run?.length ?? 0) > (best?.length ?? 0) ? run : best), undefined)
}
