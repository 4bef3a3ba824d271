// Reads a test case's refusals of other plugins: one for all recipients, or one for each.
// Never throws: a faulty value is reported at its line.

import { splitItems } from '../../config/items'
import { REFUSAL_STAGES, type Refusal } from '../../mail/refusal'
import { givenRefusal } from '../explain/given-refusals'
import type { CaseValues } from './values'

/** For each recipient, or one list for all. Undefined: nobody refused. */
export function readRefusals(values: CaseValues): Refusal[][] | undefined {
  const names = values
    .text('refused.by')
    ?.split(',')
    .map(name => name.trim())
  for (const key of ['refused.stage', 'refused.reply'])
    if (values.has(key) && names === undefined) values.fault(key, 'needs refused.by')
  if (names === undefined) return undefined
  const stages = values.someOf('refused.stage', REFUSAL_STAGES) ?? ['rcpt' as const]
  const replies = repliesOf(values, names.length)
  for (const [key, { length }] of [
    ['refused.stage', stages],
    ['refused.reply', replies],
  ] as const)
    if (length > 1 && length !== names.length)
      values.fault(
        key,
        `has ${length} values, but refused.by has ${names.length}; write one for each, or one for all`,
      )
  return names.map((by, index) => {
    const stage = stages[index] ?? stages[0] ?? 'rcpt'
    return by === '' ? [] : [givenRefusal(by, stage, replies[index] ?? replies[0] ?? '')]
  })
}

/** A single reply may hold commas. */
function repliesOf(values: CaseValues, count: number): string[] {
  const text = values.text('refused.reply') ?? ''
  if (count > 1) return values.has('refused.reply') ? (values.list('refused.reply') ?? []) : ['']
  const { items, fault } = splitItems(text)
  const [only] = items
  return [items.length === 1 && fault === undefined && only?.form === 'quoted' ? only.text : text]
}
