// Hides values of environment variables (`env:NAME`) for the endpoint, the queue's file and its database in logs and output. Errors of
// the system and the SDK repeat both, so each line gets the key's name instead before it is written. Values that become
// part of a bounce aren't hidden, as they are shown with the bounce. The hidden values belong to the whole process, as a
// text may come from any part of it.

import path from 'node:path'
import { databaseUrl, isPasswordSource } from './database-parsers'

interface Hidden {
  pattern: RegExp
  name: string
}

const hidden = new Map<string, Hidden>()

/** A shorter text isn't a secret, and would be found in ordinary words. */
const SHORTEST = 4
/** Folders that aren't secret: the root, the Haraka directory, and the plugin's own folder, named like the command. */
const COMMON_FOLDERS: ReadonlySet<string> = new Set(['/', '.', 'ses-bounce'])
/** The form of the names of SES's regions. */
const REGION = '[a-z0-9-]+'

/** `value`: the variable's value, checked. Does nothing for keys that errors don't repeat. */
export function hideValue(section: string, key: string, value: string): void {
  const name = `[${section}] ${key}`
  if (name === '[ses] endpoint') hideEndpoint(value, name)
  else if (name === '[queue] path') hidePath(value, name)
  else if (/^\[account\..*\] role$/.test(name)) hideRole(value, name)
  else if (name === '[queue] url') hideDatabase(value, name)
  else if (name === '[queue] password') hidePassword(value, name)
}

export function withoutHidden(text: string): string {
  let shown = text
  for (const { pattern, name } of hidden.values()) shown = shown.replace(pattern, () => name)
  return shown
}

function hideEndpoint(value: string, name: string): void {
  const marked = value.replaceAll('{region}', 'xregionx')
  // "local" isn't a URL or a secret
  if (!URL.canParse(marked)) return
  const { hostname, port, protocol } = new URL(marked)
  const literal = (text: string) => escaped(text).replaceAll('xregionx', REGION)
  hide(literal(marked), name)
  const host = literal(hostname.replace(/^\[|\]$/g, ''))
  const usual = protocol === 'https:' ? '443' : '80'
  // an address or localhost alone doesn't identify the endpoint
  const isNoName = /^\[|^[\d.]+$|(?:^|\.)localhost$/.test(hostname)
  hide(`\\[?${host}\\]?:${port === '' ? usual : port}`, name)
  if (!isNoName) hide(host, name)
}

/** The user isn't hidden, as it may be any word. */
function hideDatabase(value: string, name: string): void {
  const read = databaseUrl.read(value, name)
  if (!('value' in read) || read.value === undefined) return
  const { host, port, database } = read.value
  hide(escaped(value), name)
  hide(`\\[?${escaped(host)}\\]?:${port}/${escaped(database)}`, name)
  hide(`\\[?${escaped(host)}\\]?:${port}`, name)
  // an address or localhost alone doesn't identify the database
  if (!/:|^[\d.]+$|(?:^|\.)localhost$/.test(host)) hide(escaped(host), name)
}

/** A shorter one could be found in ordinary words. */
const SHORTEST_PASSWORD = 8

function hidePassword(value: string, name: string): void {
  if (!isPasswordSource(value) && value.length >= SHORTEST_PASSWORD) hide(escaped(value), name)
}

/** STS names the role that it refuses, and SES the session of a role that may not call it. */
function hideRole(value: string, name: string): void {
  hide(escaped(value), name)
  hide(escaped(`assumed-role/${value.split('/').at(-1) ?? ''}`), name)
}

/** Messages have the absolute path. The part before a relative path is the Haraka directory, which isn't hidden. */
function hidePath(value: string, name: string): void {
  const below = path.normalize(value).replace(/^(?:\.\.\/)+/, '')
  const literal = (text: string) => (path.isAbsolute(text) ? '' : '(?<=/)') + escaped(text)
  hide(literal(below), name)
  const folder = path.dirname(below)
  if (!COMMON_FOLDERS.has(folder)) hide(`${literal(folder)}(?!/)`, `the folder of ${name}`)
}

/** Not as a part of a longer word. A full stop may follow, or SQLite's suffix of a file's name. */
function hide(source: string, name: string): void {
  if (source.length < SHORTEST) return
  hidden.set(source, { pattern: new RegExp(`(?<![\\w.-])${source}(?!\\w|\\.\\w)`, 'gi'), name })
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}/-]/g, '\\$&')
}
