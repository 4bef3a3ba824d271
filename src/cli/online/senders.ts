// Finds the bounce senders of a configuration, and the identities of SES that would cover each. Pure.
// Senders that depend on a mail's sender are reported as open.

import { domainOf, organisationalDomain } from '../../mail/address'
import { someParent } from '../../policy/address-patterns'
import { bounceSender } from '../../policy/bounce'
import { fillRaw, type Template, type TemplateName } from '../../policy/templates'
import type { AsciiDomain } from '../../units'

export interface BounceSender {
  /** An address as in a call; if it depends on the mail, an example. */
  address: string
  /**
   * The address, if all bounces have this one, its domain, and those above it. SES Developer Guide, "Creating and
   * verifying identities": a domain covers its addresses and its subdomains.
   */
  identities: readonly string[]
  /** The domain that SES is said to receive for, if it is there because of that. */
  receiving?: string
}

export interface Senders {
  known: BounceSender[]
  /** Templates whose domain is that of each mail's sender. */
  open: string[]
}

/** `domains`: those that SES receives for. */
export function sendersOf(templates: readonly Template[], domains: readonly string[]): Senders {
  const read = templates.map(template => ({ template, senders: expand(template, domains) }))
  const known = new Map(read.flatMap(({ senders = [] }) => senders.map(sender => [sender.address, sender])))
  const open = read.filter(({ senders }) => senders === undefined)
  return {
    known: [...known.values()],
    open: [...new Set(open.map(({ template }) => fillRaw(template, name => `{${name}}`)))],
  }
}

/** RFC 2606: domains that nobody has, to see what a template makes of the one and of the other. */
const ONE = 'one.invalid'
const TWO = 'two.invalid'

/** Undefined: it takes the domain of each mail's sender. */
function expand(template: Template, domains: readonly string[]): BounceSender[] | undefined {
  const address = (recipient: string, sender: string) =>
    bounceSender(template, valueOf(recipient, sender)) ?? ''
  const domain = (recipientDomain: string, senderDomain: string) =>
    domainOf(address(`user@${recipientDomain}`, senderDomain))
  if (domain(ONE, ONE) !== domain(ONE, TWO)) return undefined
  if (domain(ONE, ONE) === domain(TWO, ONE)) {
    const isConstant = address(`one@${ONE}`, ONE) === address(`two@${TWO}`, TWO)
    return [covered(address(`postmaster@${domains[0] ?? ONE}`, ONE), isConstant)]
  }
  return domains.map(receiving => {
    const isConstant = address(`one@${receiving}`, ONE) === address(`two@${receiving}`, TWO)
    // RFC 5321 section 4.5.1: a recipient that there is everywhere
    return { ...covered(address(`postmaster@${receiving}`, ONE), isConstant), receiving }
  })
}

function valueOf(recipient: string, senderDomain: string): (name: TemplateName) => string {
  const values: Partial<Record<TemplateName, string>> = {
    recipient,
    'recipient.domain': domainOf(recipient) ?? '',
    'sender.domain': senderDomain,
  }
  return name => values[name] ?? ''
}

function covered(address: string, isConstant: boolean): BounceSender {
  return { address, identities: [...(isConstant ? [address] : []), ...withParents(domainOf(address) ?? '')] }
}

/** The domain and its parents, up to the one below the public suffix: SES verifies none above it. */
function withParents(domain: AsciiDomain): string[] {
  const top = organisationalDomain(domain)
  const names: string[] = []
  someParent(domain, name => {
    names.push(name)
    return name === top
  })
  return names
}
