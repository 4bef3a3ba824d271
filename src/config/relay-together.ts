// Checks the keys of [relay] together, and with those of [relay.sqs]. Pure.

import { isIPv6 } from 'node:net'
import { isEverybody } from './list-parsers'
import type { Values } from './schema'
import type { ReadKeys } from './stores-together'

/** A wider range is rarely one of relays alone: the usual size of a network, of IPv4 and of IPv6 (RFC 4291 section 2.5.1). */
const NARROW_BITS = { 4: 24, 6: 64 } as const

export interface ShownKeys extends ReadKeys {
  /** A value for a diagnostic; that of an environment variable is never shown. */
  shown(section: string, key: string, text: string): string
}

export function checkRelay({ relay, 'relay.sqs': sqs }: Values, keys: ShownKeys): void {
  const lineOf = (key: string) => keys.lineOf('relay', key)
  const warn = (line: number | undefined, message: string) =>
    keys.report('warning', 'relay', line ?? 0, message)
  const shown = (range: string) => keys.shown('relay', 'trusted', range)
  const everybody = relay.trusted.find(isEverybody)
  const wide = relay.trusted.find(isWide)
  if (everybody !== undefined)
    warn(
      lineOf('trusted'),
      `trusted has ${shown(everybody)}: every peer is trusted, and anyone can make SES send bounces`,
    )
  else if (wide !== undefined) {
    const bits = NARROW_BITS[isIPv6(addressOf(wide)) ? 6 : 4]
    warn(
      lineOf('trusted'),
      `trusted has ${shown(wide)}, which is wider than /${bits}: each host in it can make SES send bounces; list your relays alone, or trust them by auth_users`,
    )
  }
  // without a relay that is trusted, Haraka is elsewhere
  const trustedLine = lineOf('trusted') ?? lineOf('auth_users')
  if (sqs.queue_url === undefined || trustedLine === undefined || relay.recipients === 'kept') return
  // a value that could not be read has an error of its own
  if (keys.isSet('relay', 'recipients') && lineOf('recipients') === undefined) return
  warn(
    lineOf('recipients') ?? trustedLine,
    `recipients = ${relay.recipients}, but "ses-bounce relay" hands mail over with the recipients that SES had: recipients = kept is right behind it`,
  )
}

function addressOf(range: string): string {
  return range.split('/', 1)[0] ?? ''
}

/** All of 127.0.0.0/8 is this host (RFC 1122 section 3.2.1.3). */
function isWide(range: string): boolean {
  const [address = '', bits] = range.split('/')
  const isV6 = isIPv6(address)
  const length = bits === undefined ? (isV6 ? 128 : 32) : Number(bits)
  return length < NARROW_BITS[isV6 ? 6 : 4] && !(address.startsWith('127.') && length >= 8)
}
