// One value of a mail, in the forms that patterns compare; each form is made once, however many rules ask for it.
// Never throws: text that is no address or no IP address has none.

import { isIPv4, isIPv6 } from 'node:net'
import { addressKey, domainOf } from '../mail/address'
import { composed } from '../mail/composed'
import { withoutLabel } from '../mail/label'
import type { Found, YieldPolicy } from './match-budget'
import type { RegexPass } from './regex-pass'

/** Patterns see this much of a value that isn't cut already, in UTF-16 units: it bounds what a sender can make a match cost. */
export const MATCHED_CHARACTERS = 65_536

export interface AddressForms {
  /** Equal for the same mailbox, in Unicode's composed form; '' is the null sender. */
  key: string
  /** Without quotes, folded. '' where the text is no address. */
  local: string
  /** A-labels in lower case. '' where the text is no address. */
  domain: string
}

export interface IpForms {
  address: string
  family: 'ipv4' | 'ipv6'
}

export class Subject {
  readonly #value: string | number
  /** Patterns see its beginning only. */
  readonly isCut: boolean
  #composed: string | undefined
  #folded: string | undefined
  #address: AddressForms | undefined
  #unlabelled: AddressForms | undefined
  #ip: IpForms | undefined | 'none'
  #found: Map<RegexPass, Found | Promise<Found>> | undefined

  constructor(value: string | number, limit: number = MATCHED_CHARACTERS) {
    this.isCut = typeof value === 'string' && value.length > limit
    this.#value = typeof value === 'string' ? value.slice(0, limit) : value
  }

  /** As the mail has it, for people. */
  get value(): string | number {
    return this.#value
  }

  /** NaN where the value is text. */
  get number(): number {
    return typeof this.#value === 'number' ? this.#value : Number.NaN
  }

  /** Unicode's composed form, in its own case. */
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

  /** The address without its label; the same forms where there is none. All callers give the same separator. */
  unlabelled(separator: string): AddressForms {
    this.#unlabelled ??= unlabelledForms(this.address, separator)
    return this.#unlabelled
  }

  /** What a pass finds; however many rules ask, it is made once. */
  found(pass: RegexPass, form: 'composed' | 'address', yieldPolicy: YieldPolicy): Found | Promise<Found> {
    this.#found ??= new Map()
    const known = this.#found.get(pass)
    if (known !== undefined) return known
    const found = pass.search(form === 'address' ? this.address.key : this.composed, yieldPolicy)
    this.#found.set(pass, found)
    return found
  }

  get ip(): IpForms | undefined {
    this.#ip ??= ipForms(String(this.#value)) ?? 'none'
    return this.#ip === 'none' ? undefined : this.#ip
  }
}

/**
 * Text without regard to case: Unicode's composed form in lower case, in which the final sigma is a sigma
 * (toLowerCase picks one of the two by what stands around it).
 */
export function fold(text: string): string {
  return foldComposed(composed(text))
}

function foldComposed(text: string): string {
  return text.toLowerCase().replaceAll('ς', 'σ')
}

/** `192.0.2.1`, `2001:db8::1`, also as `[...]`, `IPv6:...` (RFC 5321 section 4.1.3) and with a zone (RFC 4007 section 11). */
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
  const key = addressKey(text)
  const domain = domainOf(text)
  if (domain === undefined) return { key, local: '', domain: '' }
  return { key, local: fold(key.slice(0, key.length - domain.length - 1)), domain }
}

function unlabelledForms(address: AddressForms, separator: string): AddressForms {
  const key = withoutLabel(address.key, separator)
  // a label reaches to the @ before the domain: what is no address has none
  if (key === address.key || address.domain === '') return address
  return { key, local: fold(key.slice(0, key.length - address.domain.length - 1)), domain: address.domain }
}
