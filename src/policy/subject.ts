// One value of a mail in the forms that patterns compare. Each form is made at most once.
// Never throws: for a text that isn't an address or an IP address these forms are empty.

import { isIPv4, isIPv6 } from 'node:net'
import { addressKey, domainOf, plainKey } from '../mail/address'
import { composed } from '../mail/composed'
import { withoutLabel } from '../mail/label'
import { otherReadings } from '../mail/look-alikes'
import type { AddressKey, AsciiDomain } from '../units'
import type { FoundLiterals, LiteralSearch } from './literal-search'
import type { Found, YieldPolicy } from './match-budget'
import type { RegexPass } from './regex-pass'

/** Patterns match so many UTF-16 units of a value that isn't cut already: a limit on the cost that a sender can cause. */
export const MATCHED_CHARACTERS = 65_536

export interface AddressForms {
  /** Equal for the same mailbox. '' is the null sender. */
  key: AddressKey
  /** The local part without quotes, folded. '': not an address. */
  local: string
  /** '': not an address. */
  domain: AsciiDomain
}

export interface IpForms {
  address: string
  family: 'ipv4' | 'ipv6'
}

export class Subject {
  readonly #value: string | number
  /** Patterns match only the value's beginning. */
  readonly isCut: boolean
  /** Not a value of the mail, but how its reader takes one. */
  readonly isReading: boolean
  #composed: string | undefined
  #folded: string | undefined
  #address: AddressForms | undefined
  #unlabelled: AddressForms | undefined
  #ip: IpForms | undefined | 'none'
  #found: Map<RegexPass, Found | Promise<Found>> | undefined
  #literals: Map<LiteralSearch, FoundLiterals> | undefined

  constructor(value: string | number, limit: number = MATCHED_CHARACTERS, isReading = false) {
    this.isReading = isReading
    this.isCut = typeof value === 'string' && value.length > limit
    this.#value = typeof value === 'string' ? value.slice(0, limit) : value
  }

  /** The value as in the mail, for display. */
  get value(): string | number {
    return this.#value
  }

  /** NaN: the value is text. */
  get number(): number {
    return typeof this.#value === 'number' ? this.#value : Number.NaN
  }

  /** Unicode's composed form with its own case. */
  get composed(): string {
    this.#composed ??= composed(String(this.#value))
    return this.#composed
  }

  get folded(): string {
    this.#folded ??= foldComposed(this.composed)
    return this.#folded
  }

  get address(): AddressForms {
    this.#address ??= addressForms(String(this.#value))
    return this.#address
  }

  /** The address without its label, or the same forms if it has none. All callers must pass the same separator. */
  unlabelled(separator: string): AddressForms {
    this.#unlabelled ??= unlabelledForms(this.address, separator)
    return this.#unlabelled
  }

  /** The matches of a pass, searched once. */
  found(pass: RegexPass, form: 'composed' | 'address', yieldPolicy: YieldPolicy): Found | Promise<Found> {
    this.#found ??= new Map()
    const known = this.#found.get(pass)
    if (known !== undefined) return known
    const found = pass.search(form === 'address' ? this.address.key : this.composed, yieldPolicy)
    this.#found.set(pass, found)
    return found
  }

  /** The literals of a search that occur in the value, searched for once. */
  literals(search: LiteralSearch): FoundLiterals {
    const known = this.#literals?.get(search)
    if (known !== undefined) return known
    const found = search.search(this.folded)
    this.knowLiterals(search, found)
    return found
  }

  /** Literals that were found elsewhere, such as in a worker thread. */
  knowLiterals(search: LiteralSearch, found: FoundLiterals): void {
    this.#literals ??= new Map()
    this.#literals.set(search, found)
  }

  get ip(): IpForms | undefined {
    this.#ip ??= ipForms(String(this.#value)) ?? 'none'
    return this.#ip === 'none' ? undefined : this.#ip
  }
}

/** The value as its reader takes it. */
export function readingSubject(text: string): Subject {
  return new Subject(text, Number.POSITIVE_INFINITY, true)
}

/** A value of a field in all forms that patterns are compared with: itself, and how its reader takes it if that differs. */
export function subjectsOf(
  { hasReadings }: { hasReadings?: boolean },
  value: string | number,
  limit: number = MATCHED_CHARACTERS,
): Subject[] {
  const own = new Subject(value, limit)
  if (hasReadings !== true || typeof own.value !== 'string') return [own]
  return [own, ...otherReadings(own.value).map(readingSubject)]
}

/**
 * Text for comparing without case: Unicode's composed form in lower case, with every final sigma as a sigma, as
 * toLowerCase chooses between the two by the letters around it.
 */
export function fold(text: string): string {
  return foldComposed(composed(text))
}

function foldComposed(text: string): string {
  return text.toLowerCase().replaceAll('ς', 'σ')
}

/**
 * `192.0.2.1`, `2001:db8::1`, also as `[...]`, `IPv6:...` (RFC 5321 section 4.1.3) and with a zone (RFC 4007 section
 * 11).
 */
function ipForms(text: string): IpForms | undefined {
  const address = text
    .trim()
    .replace(/^\[|\]$/g, '')
    .replace(/^IPv6:/i, '')
    .replace(/%.*$/s, '')
  if (isIPv4(address)) return { address, family: 'ipv4' }
  return isIPv6(address) ? { address, family: 'ipv6' } : undefined
}

function addressForms(text: string): AddressForms {
  const plain = plainKey(text)
  if (plain !== undefined) {
    const at = plain.indexOf('@')
    return { key: plain, local: plain.slice(0, at), domain: plain.slice(at + 1) as AsciiDomain }
  }
  const key = addressKey(text)
  const domain = domainOf(text)
  if (domain === undefined) return { key, local: '', domain: '' }
  return { key, local: fold(key.slice(0, key.length - domain.length - 1)), domain }
}

function unlabelledForms(address: AddressForms, separator: string): AddressForms {
  const key = withoutLabel(address.key, separator)
  // a label ends at the @ before the domain, so only an address can have one
  if (key === address.key || address.domain === '') return address
  return { key, local: fold(key.slice(0, key.length - address.domain.length - 1)), domain: address.domain }
}
