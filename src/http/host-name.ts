// Checks the host name of a request. A page of another site can let its own name lead to this machine (DNS rebinding)
// and read the answers to a browser here. Its requests still have its name, so only our names are accepted.

import { isIP } from 'node:net'
import { Fault } from './reply'

/** RFC 9110 section 7.2: a host, and an optional port. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i
/** RFC 6761 section 6.3: these names lead only to this machine. */
const LOOPBACK = /^(?:.+\.)?localhost$/
/** Paths for programs, which may use any name. They hold nothing that a browser could reveal. */
const UNCHECKED = new Set(['/metrics', '/health', '/health/sending'])

/**
 * `names`: our names in lower case. Addresses, loopback names and a request without a name pass.
 * @throws Fault 421
 */
export function checkHost(
  path: string,
  asked: readonly (string | undefined)[],
  names: ReadonlySet<string>,
): void {
  if (UNCHECKED.has(path)) return
  for (const host of asked)
    if (host !== undefined && host !== '' && !isOurs(host, names)) throw misdirected(host)
}

function isOurs(host: string, names: ReadonlySet<string>): boolean {
  const written = HOST.exec(host)?.[1]?.toLowerCase()
  if (written === undefined) return false
  if (written.startsWith('[')) return isIP(written.slice(1, -1)) === 6
  const name = written.replace(/\.$/, '')
  return isIP(name) === 4 || LOOPBACK.test(name) || names.has(name)
}

function misdirected(host: string): Fault {
  const [, name = ''] = HOST.exec(host) ?? []
  const shown = name.length <= 253 ? name.toLowerCase() : ''
  const key = '[http] hosts in config/ses-bounce.ini'
  return new Fault(
    421,
    'MISDIRECTED',
    shown === ''
      ? `the Host header can't be used; names that may be asked under stand in ${key}`
      : `"${shown}" isn't a name of this server; to allow it, add it to ${key}`,
  )
}
