// Reads the author of a mail: the one mailbox of the one From field, if it can be read in one way only.
// The grammar is strict, as no other program may find another mailbox in the same header.

import { domainOf } from './address'
import type { Field } from './split-fields'

export interface AuthorQuestion {
  fields: readonly Field[]
  /** Physical lines of the same header, as the peer sent them. */
  lines: readonly string[]
  headerIsCut: boolean
}

/** RFC 5322 section 3.4, name-addr. The name before the brackets must not look like another address. */
const NAMED = /^(?:"(?:[^"\\<>]|\\[^<>])*"|\([^()\\<>@,;:"]*\)|[^"<>()@,;:\\])*<([^<>]*)>$/
/** RFC 5322 section 3.4, addr-spec. Old programs write a comment after it. */
const PLAIN = /^([^\s<>(),;:]+)(?:[ \t]+\([^()\\<>@,;:"]*\))?$/
/** No real address (RFC 5321 section 4.5.3.1: 320 octets) with a name is longer. */
const LONGEST = 2000
/** Some programs end a line at a bare CR or a NUL, so they would see another From field. */
const ODD_CONTROL = /\0|\r(?=[^\r\n])/

/** The author's address. Undefined: none, several, or more than one way to read it. */
export function readAuthor({ fields, lines, headerIsCut }: AuthorQuestion): string | undefined {
  if (headerIsCut || fields.some(({ name }) => name === '')) return undefined
  const [from, ...more] = fields.filter(({ name }) => name === 'from')
  if (from === undefined || more.length > 0 || lines.some(line => ODD_CONTROL.test(line))) return undefined
  const author = readMailbox(from.raw)
  return from.joined === undefined || readMailbox(from.joined) === author ? author : undefined
}

function readMailbox(raw: string): string | undefined {
  const text = raw.trim()
  if (text.length > LONGEST) return undefined
  const address = (NAMED.exec(text)?.[1] ?? PLAIN.exec(text)?.[1])?.trim()
  return address !== undefined && domainOf(address) !== undefined ? address : undefined
}
