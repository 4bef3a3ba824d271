// Compiles the values of a condition: a set of patterns of the condition's kind, and the lists that it names.
// Never throws: a faulty pattern is reported as a diagnostic with its file and line.

import type { Diagnostic } from '../config/diagnostics'
import type { Item } from '../config/items'
import { AddressPatterns } from './address-patterns'
import { IpPatterns } from './ip-patterns'
import { type Answer, holdsForOne, whenKnown, type YieldPolicy } from './match-budget'
import { DURATION, NUMBER, NumberPatterns, SIZE } from './number-patterns'
import type { PatternSet } from './pattern-set'
import { ResultPatterns } from './result-patterns'
import { Searches } from './searches'
import type { Subject } from './subject'
import { TextPatterns } from './text-patterns'

const KINDS = {
  address: (searches, labelSeparator) => new AddressPatterns(searches.passes, labelSeparator),
  text: searches => new TextPatterns(searches),
  ip: () => new IpPatterns(),
  /** One of a few fixed words. The table of conditions holds the words. */
  word: searches => new TextPatterns(searches),
  /** A result of another plugin: text or a number. */
  result: searches => new ResultPatterns(searches),
  size: () => new NumberPatterns(SIZE),
  duration: () => new NumberPatterns(DURATION),
  number: () => new NumberPatterns(NUMBER),
} satisfies Record<string, (searches: Searches, labelSeparator: string) => PatternSet>
export type Kind = keyof typeof KINDS

/** A longer pattern is a mistake, and the cost of matching grows with its length. */
const PATTERN_CHARACTERS = 1000
/** Faults shown for one list: a wrong file has one in every line. */
const SHOWN_FAULTS = 20

/** The patterns of one condition. */
export interface Matcher {
  /** The patterns that are written in the rule. */
  own: PatternSet
  /** The patterns of the lists that it names, shared between conditions. */
  lists: readonly PatternSet[]
}

export function matches(matcher: Matcher, subject: Subject, yieldPolicy: YieldPolicy): Answer {
  return whenKnown(
    matcher.own.matches(subject, yieldPolicy),
    held => held || holdsForOne(matcher.lists, list => list.matches(subject, yieldPolicy), yieldPolicy),
  )
}

/** Whether a text or word stands there as it is. */
export function namesPlainly({ own, lists }: Matcher, text: string): boolean {
  return [own, ...lists].some(set => set instanceof TextPatterns && set.names(text))
}

interface List {
  patterns: PatternSet
  count: number
}

/** Reads each list once for each kind, and reports its faults once, however many conditions name it. */
export class PatternCompiler {
  readonly #read: (name: string) => string | undefined
  readonly #report: (diagnostic: Diagnostic) => void
  readonly #lists = new Map<string, List>()
  /** By the name of the values: for `body` those of all its patterns, lists left out. */
  readonly searches = new Map<string, Searches>()

  /** `read` returns the text of a list in Haraka's config directory. Undefined: there is no such file. */
  constructor(read: (name: string) => string | undefined, report: (diagnostic: Diagnostic) => void) {
    this.#read = read
    this.#report = report
  }

  /**
   * `values`: a name for the values that the patterns match; patterns for the same values share their searches.
   * `count`: the number of patterns, those in lists included. `fault` is called with faults of the items themselves.
   * `labelSeparator`: [relay] label_separator. Empty: there are no labels.
   */
  compile(
    kind: Kind,
    values: string,
    items: readonly Item[],
    fault: (message: string) => void,
    labelSeparator = '',
  ): { matcher: Matcher; count: number } {
    const own = KINDS[kind](this.#searchesFor(values), labelSeparator)
    const lists: PatternSet[] = []
    let count = 0
    for (const item of items) {
      const name = listName(item)
      if (name === undefined) {
        const wrong = addTo(own, item)
        if (wrong !== undefined) fault(wrong)
        count++
      } else {
        const list = this.#list(kind, name, labelSeparator)
        if (typeof list === 'string') fault(list)
        else lists.push(list.patterns)
        count += typeof list === 'string' ? 1 : list.count
      }
    }
    return { matcher: { own, lists }, count }
  }

  #searchesFor(values: string): Searches {
    const known = this.searches.get(values) ?? new Searches()
    this.searches.set(values, known)
    return known
  }

  #list(kind: Kind, name: string, labelSeparator: string): List | string {
    if (name === '') return 'the name of the list is missing after "file:"'
    const id = `${kind}${labelSeparator}:${name}`
    const known = this.#lists.get(id)
    if (known) return known
    const text = this.#read(name)
    if (text === undefined) return `there is no list "${name}" in Haraka's config directory`
    const list = this.#parse(kind, name, text, labelSeparator)
    this.#lists.set(id, list)
    return list
  }

  #parse(kind: Kind, name: string, text: string, labelSeparator: string): List {
    const list: List = { patterns: KINDS[kind](new Searches(), labelSeparator), count: 0 }
    let faults = 0
    const report = (line: number, message: string): void =>
      this.#report({ severity: 'error', file: name, line, message })
    for (const [index, raw] of text
      .replace(/^\uFEFF/, '')
      .split(/\r\n|\r|\n/)
      .entries()) {
      const line = raw.trim()
      if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
      list.count++
      const item = wholeItem(line)
      const wrong =
        listName(item) === undefined ? addTo(list.patterns, item) : "a list can't name another list"
      if (wrong !== undefined && ++faults <= SHOWN_FAULTS) report(index + 1, wrong)
    }
    if (faults > SHOWN_FAULTS)
      report(0, `${faults - SHOWN_FAULTS} more lines can't be used; is this the right file?`)
    return list
  }
}

function addTo(patterns: PatternSet, item: Item): string | undefined {
  if (item.text.length > PATTERN_CHARACTERS) return `a pattern has at most ${PATTERN_CHARACTERS} characters`
  return patterns.add(item)
}

function listName(item: Item): string | undefined {
  return item.form === 'plain' && item.text.startsWith('file:')
    ? item.text.slice('file:'.length).trim()
    : undefined
}

/** A line of a list is one pattern: commas and semicolons need no quotes there. */
function wholeItem(line: string): Item {
  const regex = /^\/(.*)\/([A-Za-z]*)$/s.exec(line)
  if (regex) return { text: regex[1] ?? '', form: 'regex', flags: regex[2] ?? '' }
  if (line.length > 1 && line.startsWith('"') && line.endsWith('"')) {
    return { text: line.slice(1, -1).replace(/\\(["\\])/g, '$1'), form: 'quoted', flags: '' }
  }
  return { text: line, form: 'plain', flags: '' }
}
