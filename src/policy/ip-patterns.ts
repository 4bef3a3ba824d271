// Patterns for IP addresses: addresses and CIDR ranges. IPv4 addresses also match as IPv6 (`::ffff:192.0.2.1`).
// A pattern that can't be read is returned as a fault. A value that isn't an IP address matches nothing.

import { BlockList } from 'node:net'
import type { Item } from '../config/items'
import type { PatternSet } from './pattern-set'
import { Subject } from './subject'

const FORM = 'write an address (192.0.2.1, 2001:db8::1) or a CIDR range (192.0.2.0/24, 2001:db8::/32)'

export class IpPatterns implements PatternSet {
  readonly #ranges = new BlockList()

  add(item: Item): string | undefined {
    if (item.form === 'regex') return fault(`/${item.text}/`)
    const slash = item.text.indexOf('/')
    const ip = new Subject(slash < 0 ? item.text : item.text.slice(0, slash)).ip
    if (ip === undefined) return fault(item.text)
    const bits = ip.family === 'ipv4' ? 32 : 128
    const prefix = slash < 0 ? String(bits) : item.text.slice(slash + 1)
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) return fault(item.text)
    this.#ranges.addSubnet(ip.address, Number(prefix), ip.family)
    return undefined
  }

  matches(subject: Subject): boolean {
    const ip = subject.ip
    return ip !== undefined && this.#ranges.check(ip.address, ip.family)
  }
}

function fault(text: string): string {
  return `"${text}" isn't an IP address or range; ${FORM}`
}
