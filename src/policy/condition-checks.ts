// The checks of a single condition: its key, its words, its numbers. Never throws; each fault is reported at its line.

import { didYouMean } from '../config/diagnostics'
import type { Item } from '../config/items'
import { visiblePattern } from '../mail/mime/visible-text'
import { FIELD_KEYS, type Field, type FieldKey, familyOf, findField } from './fields'
import { isGlob } from './glob'
import { isOutcomeKey, OUTCOME_KEYS } from './outcome-keys'
import type { Reporter } from './outcome-reader'
import { refusalItems } from './refusal-rule-checks'
import { type OwnDomainNames, suspicionOf } from './suspect-patterns'
import { warnOfBoundary } from './word-boundary'

export function unknownKey(key: string, negated: boolean): string {
  const meant = negationOf(key)
  if (meant !== undefined) return `unknown condition "${key}"; did you mean "not.${meant}"?`
  const bare = negated ? key.slice('not.'.length) : key
  if (negated && isOutcomeKey(bare)) return `only conditions can be negated, not "${bare}"`
  const family = familyOf(bare)
  if (family !== undefined) return `unknown condition "${key}"; it is written ${family}`
  const known = negated ? FIELD_KEYS.map(name => `not.${name}`) : [...FIELD_KEYS, ...OUTCOME_KEYS]
  const what = /^(?:bounce|guard)\./.test(key) ? 'outcome' : 'condition'
  return `unknown ${what} "${key}"${didYouMean(key, known)}`
}

/** The condition that was negated in the way of other languages: `sender !=`, `!sender`, `not sender`. */
function negationOf(key: string): string | undefined {
  const bare = /^(?:!|not[ _-])\s*(.*)$/i.exec(key)?.[1] ?? /^(.*?)\s*!$/.exec(key)?.[1]
  return bare !== undefined && findField(bare) ? bare : undefined
}

/** `> 1,5mb` would be a list of two, and the first of them one byte. */
function warnOfBytes({ kind }: Field, text: string, line: number, say: Reporter): void {
  if (kind === 'size' && /^[<>=]*\s*\d{1,3}$/.test(text))
    say.warn(line, `"${text}" is a number of bytes; write a unit, as 10kb, and 1.5mb with a point`)
}

/** Content has no invisible characters, so patterns for it must not have them either. */
function asSeen(item: Item): Item {
  return item.text.startsWith('file:') ? item : { ...item, text: visiblePattern(item.text) }
}

/** The items from which patterns are compiled: for some fields they differ from the file's. */
export function compiledItems(
  { field }: FieldKey,
  negated: boolean,
  items: readonly Item[],
  line: number,
  say: Reporter,
): readonly Item[] {
  if (field.phase === 'refusal') return refusalItems(field.name, negated, items, line, say)
  return field.phase === 'content' ? items.map(asSeen) : items
}

export function isRefusalKey(key: string): boolean {
  return findField(key.replace(/^not\./, ''))?.field.phase === 'refusal'
}

function warnOfWord({ words, phase }: Field, text: string, line: number, say: Reporter): void {
  if (words === undefined || phase === 'refusal' || words.includes(text.toLowerCase())) return
  say.warn(
    line,
    `SES is not known to write "${text}"${didYouMean(text, words)}; known words are ${words.join(', ')}`,
  )
}

export function warnOfItems(
  field: Field,
  items: readonly Item[],
  ours: OwnDomainNames,
  line: number,
  say: Reporter,
): void {
  for (const item of items) {
    const { text, form } = item
    const boundary = field.kind === 'text' || field.kind === 'result' ? warnOfBoundary(item) : undefined
    const suspicion = boundary ?? suspicionOf(field, item, ours)
    if (suspicion !== undefined) say.warn(line, suspicion)
    if (form !== 'plain' || isGlob(text) || text.startsWith('file:')) continue
    warnOfWord(field, text, line, say)
    warnOfBytes(field, text, line, say)
  }
}
