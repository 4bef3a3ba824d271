// Rules that never hold, as one condition names no more than what another one excludes. Never throws.

import { type Item, splitItems } from '../config/items'
import type { Reporter } from './outcome-reader'
import type { Condition, Rule } from './rule'

export function warnOfExcluded({ conditions }: Pick<Rule, 'conditions'>, say: Reporter): void {
  for (const wanted of conditions) {
    if (wanted.negated) continue
    const excluding = conditions.find(
      one =>
        one.negated && one.field === wanted.field && one.member === wanted.member && excludes(one, wanted),
    )
    if (excluding !== undefined)
      say.warn(excluding.line, `the rule never holds: ${excluding.key} excludes all that ${wanted.key} names`)
  }
}

function excludes(excluding: Condition, { field, value }: Condition): boolean {
  const excluded = new Set(splitItems(excluding.value).items.map(keyOf))
  if (field.kind === 'text' && excluded.has(keyOf({ form: 'plain', text: '*', flags: '' }))) return true
  return splitItems(value).items.every(item => {
    const at = field.kind === 'address' && item.form === 'plain' ? item.text.lastIndexOf('@') : 0
    return (
      excluded.has(keyOf(item)) || (at > 0 && excluded.has(keyOf({ ...item, text: item.text.slice(at) })))
    )
  })
}

/** Patterns ignore case; expressions may not. */
function keyOf({ form, text, flags }: Item): string {
  return `${form} ${form === 'regex' ? `${text}/${flags}` : text.toLowerCase()}`
}
