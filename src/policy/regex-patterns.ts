// Regular expressions: `/x/` matches anywhere and ignores case; in `/x/c` case counts. Several share one pass.
// A faulty one is returned as a fault. Matching takes time linear in the text.

import type { Item } from '../config/items'
import { composed } from '../mail/composed'
import { type FixedSteps, fixedSteps } from './fixed-steps'
import { FoundLiterals, type Need } from './literal-search'
import { type Answer, holdsForOne, whenKnown, type YieldPolicy } from './match-budget'
import { NeedIndex } from './need-index'
import { faultOfRegex } from './regex-faults'
import { INSTRUCTIONS, loadRe2js, RegexPass, type RegexPasses } from './regex-pass'
import { regexTree } from './regex-tree'
import { literalsOfRegex, type RequiredLiterals } from './required-literals'
import { type RequiredRun, requiredRun } from './required-run'
import type { Subject } from './subject'

/** An expression in a pass. */
interface Expression {
  number: number
  run: RequiredRun | undefined
}

export class RegexPatterns {
  readonly #passes: RegexPasses
  readonly #needOf: ((required: RequiredLiterals) => Need | undefined) | undefined
  /** The passes that hold expressions of this set, with their numbers. */
  readonly #own = new Map<RegexPass, NeedIndex<Expression>>()
  /** Expressions that are searched for by their steps, and by a pass of their own in a text that is too long for that. */
  readonly #long: { steps: FixedSteps; need: Need | undefined; pass: RegexPass }[] = []
  #entries: readonly (readonly [RegexPass, NeedIndex<Expression>])[] = []

  /**
   * `passes` is shared by all sets for the same values. `needOf`: the needs of a pattern with these literals. Without
   * it all passes are searched.
   */
  constructor(passes: RegexPasses, needOf?: (required: RequiredLiterals) => Need | undefined) {
    this.#passes = passes
    this.#needOf = needOf
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#long.length === 0
  }

  add({ text, flags }: Item): string | undefined {
    if (text === '') return 'the expression is empty; to match any value, write *'
    if (!['', 'i', 'c'].includes(flags)) {
      return `"${flags}" isn't valid after the closing slash; valid are i (ignore case, the default) and c (case counts)`
    }
    // texts are composed, so "é" must be one character here too
    const source = composed(text)
    const instructions = sizeOfRegex(source)
    if (typeof instructions === 'string') return instructions
    if (instructions > INSTRUCTIONS)
      return `/${text}/ is too large; shorten it, or use a smaller number in {}`
    const searched = flags === 'c' ? source : `(?i)${source}`
    const tree = regexTree(searched)
    const need = this.#needOf?.(literalsOfRegex(tree))
    const steps = fixedSteps(tree)
    if (steps) {
      const pass = new RegexPass()
      pass.add(searched, instructions)
      this.#long.push({ steps, need, pass })
      return undefined
    }
    const pass = this.#passes.withRoom(instructions)
    const expressions = this.#own.get(pass) ?? new NeedIndex()
    expressions.add({ number: pass.add(searched, instructions), run: requiredRun(tree) }, need)
    this.#own.set(pass, expressions)
    this.#entries = [...this.#own]
    return undefined
  }

  /** `literals`: those of this set's search that occur in the text. */
  matches(subject: Subject, literals: FoundLiterals, yieldPolicy: YieldPolicy): Answer {
    return this.#matches(subject, 'composed', literals, yieldPolicy)
  }

  /** False: none matches. */
  mayMatch(literals: FoundLiterals): boolean {
    return (
      this.#entries.some(([, index]) => index.find(literals).length > 0) ||
      this.#long.some(({ need }) => literals.meets(need))
    )
  }

  matchesAddress(subject: Subject, yieldPolicy: YieldPolicy): Answer {
    return this.#matches(subject, 'address', NO_LITERALS, yieldPolicy)
  }

  #matches(
    subject: Subject,
    form: 'composed' | 'address',
    literals: FoundLiterals,
    yieldPolicy: YieldPolicy,
  ): Answer {
    const passes = this.#matchesPasses(subject, form, literals, yieldPolicy)
    if (this.#long.length === 0) return passes
    return whenKnown(passes, held => held || this.#matchesLong(subject, form, literals, yieldPolicy))
  }

  #matchesLong(
    subject: Subject,
    form: 'composed' | 'address',
    literals: FoundLiterals,
    yieldPolicy: YieldPolicy,
  ): Answer {
    const text = textOf(subject, form)
    return holdsForOne(
      this.#long,
      ({ steps, need, pass }) => {
        if (!literals.meets(need)) return false
        if (steps.fits(text)) return steps.isIn(text)
        const found = subject.found(pass, form, yieldPolicy)
        return found instanceof Promise ? found.then(all => all.length > 0) : found.length > 0
      },
      yieldPolicy,
    )
  }

  #matchesPasses(
    subject: Subject,
    form: 'composed' | 'address',
    literals: FoundLiterals,
    yieldPolicy: YieldPolicy,
  ): Answer {
    const text = textOf(subject, form)
    return holdsForOne(
      this.#entries,
      ([pass, index]) => {
        const possible = index.find(literals).filter(({ run }) => run?.isIn(text) ?? true)
        if (possible.length === 0) return false
        const found = subject.found(pass, form, yieldPolicy)
        const isOurs = (number: number) => possible.some(one => one.number === number)
        return found instanceof Promise ? found.then(all => all.some(isOurs)) : found.some(isOurs)
      },
      yieldPolicy,
    )
  }
}

function textOf(subject: Subject, form: 'composed' | 'address'): string {
  return form === 'address' ? subject.address.key : subject.composed
}

const NO_LITERALS = new FoundLiterals([])

/** The number of compiled instructions. A text: the fault of the expression. */
export function sizeOfRegex(source: string): number | string {
  const { RE2JS, RE2JSException, RE2JSSyntaxException } = loadRe2js()
  try {
    return RE2JS.compile(source).programSize()
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return faultOfRegex(source, error.error, error.input)
    if (error instanceof RE2JSException) return faultOfRegex(source, error.message, null)
    throw error
  }
}
