// The name that a request came in under. A page of another site can have its own name lead to this machine (DNS
// rebinding), and then read what a browser here may see; its requests still have that name. So only names of ours count.

import { isIP } from 'node:net'
import { Fault } from './reply'

/** RFC 9110 section 7.2: a host, and perhaps a port. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i
/** RFC 6761 section 6.3: they lead to this machine alone. */
const LOOPBACK = /^(?:.+\.)?localhost$/
/** Programs ask for these, by whatever name they know; there is nothing in them for a browser. */
const UNCHECKED = new Set(['/metrics', '/health'])

/**
 * `names`: ours, in lower case. Addresses, loopback names and a request without any name pass.
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
