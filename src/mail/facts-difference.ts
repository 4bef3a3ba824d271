// Compares two readings of one header in all that a bounce needs: id, region, Return-Path, `for`, results, From, recipients,
// and the fields that guards read. A sender could mean the difference for us. Pure.

import { isDeepStrictEqual } from 'node:util'
import type { MailFacts } from './facts'
import type { Header } from './header'
import type { Field } from './split-fields'

export interface HeaderReading {
  header: Header
  facts: MailFacts
}

/** The differing part, as a text for the log. Undefined: no difference that matters. */
export function differenceOf(
  one: HeaderReading,
  other: HeaderReading,
  guardFields: readonly string[],
): string | undefined {
  // the same fields give the same facts
  if (areAlike(one.header.fields, other.header.fields)) return undefined
  const values: Record<string, (facts: MailFacts) => unknown> = {
    "SES's fields": ({ receipt, receiptFault }) => [receipt, receiptFault],
    From: ({ author }) => author,
    'the recipients': ({ recipients }) => recipients,
  }
  const differing = Object.entries(values).find(
    ([, read]) => !isDeepStrictEqual(read(one.facts), read(other.facts)),
  )
  if (differing) return differing[0]
  return guardFields.find(name => !areAlike(named(one.header, name), named(other.header, name)))
}

function named({ fields }: Header, wanted: string): Field[] {
  return fields.filter(({ name }) => name === wanted)
}

function areAlike(some: readonly Field[], others: readonly Field[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ name, raw, joined }, index) => {
      const other = others[index]
      return name === other?.name && raw === other.raw && joined === other.joined
    })
  )
}
