// [refusals] hide: takes the names and addresses of inner hosts out of a reply, before a sender reads it.
// Pure, in linear time: a reply has at most 256 characters.

import net from 'node:net'

const HIDDEN = '[internal]'

/** RFC 1918, 5735 (loopback, link-local), 6598 (carrier-grade NAT); RFC 4193, 4291 (loopback, link-local). */
const PRIVATE = new net.BlockList()
for (const [address, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(address, bits, 'ipv4')
for (const [address, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(address, bits, 'ipv6')

/** An IP address with its brackets, whatever stands around them. */
const IP =
  /\[?(?:IPv6:|(?<![\w.:]))((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w:]|\.\d)\]?/gi
/** A name with its labels; `@` before it: of an address. */
const NAME = /(@?)(?<![\w.-])([a-z0-9](?:[\w-]*[a-z0-9])?(?:\.[a-z0-9](?:[\w-]*[a-z0-9])?)+)(?![\w-])/gi
/** A host without a dot: in an address, before `said` and the like, or before its own address. */
const BARE_NAME = new RegExp(
  [
    String.raw`(?<=@)[a-z0-9][\w-]*(?![\w.-])`,
    String.raw`(?<=\bhost )[a-z0-9][\w-]*(?= (?:said|refused|rejected)\b)`,
    String.raw`(?<![\w.@-])[a-z0-9][\w-]*(?=\[internal\]|\s?\(\[internal\]\))`,
  ].join('|'),
  'gi',
)

/** `hidden`: domains in lower case. Empty: nothing is hidden. */
export function hideInternal(reply: string, hidden: readonly string[]): string {
  if (hidden.length === 0) return reply
  return reply
    .replace(IP, (whole, address: string) => (isPrivate(address) ? HIDDEN : whole))
    .replace(NAME, (whole, at: string, name: string) => {
      const lower = name.toLowerCase()
      // the domain itself, in an address, is the one that the sender wrote to
      const isUnder = hidden.some(domain => lower.endsWith(`.${domain}`) || (at === '' && lower === domain))
      return isUnder ? at + HIDDEN : whole
    })
    .replace(BARE_NAME, HIDDEN)
}

function isPrivate(address: string): boolean {
  const family = net.isIP(address)
  return family !== 0 && PRIVATE.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
