// Finds the address at which this Haraka accepts mail, in smtp.ini or given by the operator.
// Text that can't be read gives undefined.

import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import path from 'node:path'
import { parseIni } from '../config/ini'
import { SMTP_FILE } from '../config/owner'

export interface Endpoint {
  host: string
  port: number
}

/** `HOST:PORT`, `[::1]:PORT` */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port < 1 || port > 65535) return undefined
  return match?.[1] !== undefined && !isIPv6(host) ? undefined : { host, port }
}

/**
 * Haraka's server.js: `listen` and `port` above all sections of smtp.ini; by itself it listens on [::0]:25.
 * The first address that isn't for TLS from the start.
 */
export function endpointOf(smtpIni: string): Endpoint | undefined {
  const entries = parseIni(SMTP_FILE, smtpIni)
    .sections.filter(({ name }) => name === 'main')
    .flatMap(section => section.entries)
  const valueOf = (key: string) => entries.findLast(entry => entry.key === key)?.value
  const listen = valueOf('listen') || `[::0]:${valueOf('port') || '25'}`
  const tlsPort = Number(valueOf('smtps_port') || 465)
  const found = listen
    .split(/\s*,\s*/)
    .flatMap(one => parseEndpoint(/:\d+$/.test(one) ? one : `${one}:25`) ?? [])
    .find(({ port }) => port !== tlsPort)
  return found && { ...found, host: reachable(found.host) }
}

/** The endpoint in the present smtp.ini. Undefined: it names no address. Rejects with faults of the disk. */
export async function smtpEndpointOf(harakaDir: string): Promise<Endpoint | undefined> {
  try {
    return endpointOf(await readFile(path.join(harakaDir, 'config', SMTP_FILE), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return endpointOf('')
    throw error
  }
}

/** A server that listens on all addresses can be reached at a loopback address. */
function reachable(host: string): string {
  if (/^0+(\.0+){0,3}$/.test(host)) return '127.0.0.1'
  return isIPv6(host) && /^[0:]+$/.test(host) ? '::1' : host
}
