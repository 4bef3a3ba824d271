// Patterns for addresses. `user@host`, `@host`, `@.host` (the host and its subdomains) and `<>` are looked up in sets,
// so a list may be long. Globs are tried one by one; regular expressions match the whole address, all in one pass. With
// a label separator, a pattern without a label also matches addresses with one. A pattern that can't be read is
// returned as a fault.

import type { Item } from '../config/items'
import { addressKey, asciiDomain, parseAddress } from '../mail/address'
import { Glob, isGlob } from './glob'
import { type Answer, holdsForOne, whenKnown, type YieldPolicy } from './match-budget'
import type { PatternSet } from './pattern-set'
import type { RegexPasses } from './regex-pass'
import { RegexPatterns } from './regex-patterns'
import { type AddressForms, fold, type Subject } from './subject'

const FORM = 'write user@host, @host, @.host (the host and its subdomains), or <> for the null sender'
const NULL_SENDER_KEY = ''

interface AddressGlob {
  /** True: its local part holds the separator, so it matches addresses with a label only as they are. */
  isOfLabels: boolean
  /** Undefined: any local part. */
  local: Glob | undefined
  host: Glob
  hostText: string
  subdomains: boolean
}

/** The keys under which a set of patterns can be indexed: addresses, domains, and domains with their subdomains. */
export interface Lookups {
  keys: Iterable<string>
  hosts: Iterable<string>
  parents: Iterable<string>
  /** With it, keys also match addresses with a label. Empty: they don't. */
  labelSeparator: string
}

export class AddressPatterns implements PatternSet {
  readonly #keys = new Set<string>()
  readonly #hosts = new Set<string>()
  /** The host of `@.host`. */
  readonly #parents = new Set<string>()
  readonly #globs: AddressGlob[] = []
  readonly #regexes: RegexPatterns
  readonly #labelSeparator: string

  /** `labelSeparator`: [relay] label_separator. Empty: there are no labels. */
  constructor(passes: RegexPasses, labelSeparator: string) {
    this.#regexes = new RegexPatterns(passes)
    this.#labelSeparator = labelSeparator
  }

  add(item: Item): string | undefined {
    if (item.form === 'regex') return this.#addRegex(item)
    const literal = item.form !== 'plain'
    const text = item.text
    if (text === '<>') this.#keys.add(NULL_SENDER_KEY)
    else if (!literal && isGlob(text)) return this.#addGlob(text)
    else if (text.startsWith('@')) return this.#addHost(text)
    else if (asciiDomain(parseAddress(text)?.domain ?? '') === undefined) return fault(text)
    else this.#keys.add(addressKey(text))
    return undefined
  }

  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer {
    const address = subject.address
    const unlabelled = subject.unlabelled(this.#labelSeparator)
    // the key without its label can't match a pattern that has a label
    if (this.#keys.has(address.key) || this.#keys.has(unlabelled.key)) return true
    const known = address.domain !== '' && this.#hasDomain(address, unlabelled, yieldPolicy)
    return whenKnown(known, held => held || this.#regexes.matchesAddress(subject, yieldPolicy))
  }

  /** Keys that find every address that the set matches. Undefined: it has globs or expressions, so it must be matched. */
  lookups(): Lookups | undefined {
    if (!this.#regexes.isEmpty || this.#globs.some(({ hostText }) => isGlob(hostText))) return undefined
    const hostsOf = (subdomains: boolean) =>
      this.#globs.filter(glob => glob.subdomains === subdomains).map(({ hostText }) => hostText)
    return {
      keys: this.#keys,
      hosts: [...this.#hosts, ...hostsOf(false)],
      parents: [...this.#parents, ...hostsOf(true)],
      labelSeparator: this.#labelSeparator,
    }
  }

  /** The keys of all patterns that are a whole address. */
  named(): Iterable<string> {
    return this.#keys
  }

  #addRegex(item: Item): string | undefined {
    // with `c` an upper-case letter would silently match nothing
    if (item.flags === 'c') return `case never counts in addresses; write /${item.text}/`
    return this.#regexes.add(item)
  }

  #addHost(text: string): string | undefined {
    const subdomains = text.startsWith('@.')
    const host = asciiDomain(text.slice(subdomains ? 2 : 1))
    if (host === undefined) return fault(text)
    if (subdomains) this.#parents.add(host)
    else this.#hosts.add(host)
    return undefined
  }

  #addGlob(text: string): string | undefined {
    const at = text.lastIndexOf('@')
    const subdomains = text[at + 1] === '.'
    const host = globHost(text.slice(at + (subdomains ? 2 : 1)))
    if (at < 0 || host === undefined) return fault(text)
    const local = at === 0 ? undefined : new Glob(fold(text.slice(0, at)))
    const isOfLabels = this.#labelSeparator !== '' && text.slice(0, at).includes(this.#labelSeparator)
    this.#globs.push({ isOfLabels, local, host: new Glob(host), hostText: host, subdomains })
    return undefined
  }

  #hasDomain(address: AddressForms, unlabelled: AddressForms, yieldPolicy: YieldPolicy): Answer {
    return (
      this.#hosts.has(address.domain) ||
      this.#hasParent(address.domain) ||
      holdsForOne(
        this.#globs,
        glob =>
          globHolds(glob, address) ||
          (unlabelled !== address && !glob.isOfLabels && globHolds(glob, unlabelled)),
        yieldPolicy,
      )
    )
  }

  #hasParent(domain: string): boolean {
    return this.#parents.size > 0 && someParent(domain, parent => this.#parents.has(parent))
  }
}

function globHolds({ local, host, subdomains }: AddressGlob, address: AddressForms): boolean {
  if (local !== undefined && !local.matches(address.local)) return false
  return subdomains
    ? someParent(address.domain, parent => host.matches(parent))
    : host.matches(address.domain)
}

/** Whether `holds` is true for the domain or one of its parents. */
export function someParent<D extends string>(domain: D, holds: (parent: D) => boolean): boolean {
  for (let start = 0; ; ) {
    if (holds(domain.slice(start) as D)) return true
    const dot = domain.indexOf('.', start)
    if (dot < 0) return false
    start = dot + 1
  }
}

/** The host with each label without a wildcard as an A-label. Undefined: not a host. */
function globHost(text: string): string | undefined {
  const labels = text.split('.').map(label => (isGlob(label) ? label.toLowerCase() : asciiDomain(label)))
  return labels.includes(undefined) ? undefined : labels.join('.')
}

function fault(text: string): string {
  return `"${text}" isn't an address pattern; ${FORM}`
}
