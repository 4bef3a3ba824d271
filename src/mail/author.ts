// The author that From names, where it names one and can be read in one way only.
// Strict on purpose: another program must not find another mailbox in the same header.

import { domainOf } from './address'
import type { Field } from './split-fields'

export interface AuthorQuestion {
  fields: readonly Field[]
  /** Physical lines of the same header, as the peer sent them. */
  lines: readonly string[]
  headerIsCut: boolean
}

/** RFC 5322 section 3.4: name-addr; what stands in front of the brackets must not look like another address. */
const NAMED = /^(?:"(?:[^"\\<>]|\\[^<>])*"|\([^()\\<>@,;:"]*\)|[^"<>()@,;:\\])*<([^<>]*)>$/
/** RFC 5322 section 3.4: addr-spec, which may have a comment behind it, as old programs write it. */
const PLAIN = /^([^\s<>(),;:]+)(?:[ \t]+\([^()\\<>@,;:"]*\))?$/
/** Longer than an address (RFC 5321 section 4.5.3.1: 320 octets) with a name ever is. */
const LONGEST = 2000
/** A CR without LF or a NUL may begin or end a line for other programs, and so hide a From from one of them. */
const ODD_CONTROL = /\0|\r(?=[^\r\n])/

/** Undefined: none, several, or what can be read in two ways. */
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
