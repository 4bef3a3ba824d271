// What variables of the environment (`env:NAME`) hold for the endpoint and for the queue file is in no log and no output.
// The system and the SDK repeat both in their errors, so each line loses them before it is written: the key's name stands
// there instead. What becomes part of a bounce isn't hidden: it is seen where the bounce is shown.
// Of the whole process: a text may be made anywhere. The environment bounds how much there is.

import path from 'node:path'

interface Hidden {
  pattern: RegExp
  name: string
}

const hidden = new Map<string, Hidden>()

/** A shorter text tells nothing, and would be found in words. */
const SHORTEST = 4
/** They tell nothing: the root, the Haraka directory, and the plugin's own folder, which has the command's name. */
const COMMON_FOLDERS: ReadonlySet<string> = new Set(['/', '.', 'ses-bounce'])
/** As SES's regions are named. */
const REGION = '[a-z0-9-]+'

/** `value`: as the variable holds it, and checked. Keys that are not repeated in errors are left alone. */
export function hideValue(section: string, key: string, value: string): void {
  const name = `[${section}] ${key}`
  if (name === '[ses] endpoint') hideEndpoint(value, name)
  else if (name === '[queue] path') hidePath(value, name)
}

export function withoutHidden(text: string): string {
  let shown = text
  for (const { pattern, name } of hidden.values()) shown = shown.replace(pattern, () => name)
  return shown
}

function hideEndpoint(value: string, name: string): void {
  const marked = value.replaceAll('{region}', 'xregionx')
  // "local" is no URL, and no secret
  if (!URL.canParse(marked)) return
  const { hostname, port, protocol } = new URL(marked)
  const literal = (text: string) => escaped(text).replaceAll('xregionx', REGION)
  hide(literal(marked), name)
  const host = literal(hostname.replace(/^\[|\]$/g, ''))
  const usual = protocol === 'https:' ? '443' : '80'
  // such an address alone may be anybody's
  const isNoName = /^\[|^[\d.]+$|(?:^|\.)localhost$/.test(hostname)
  hide(`\\[?${host}\\]?:${port === '' ? usual : port}`, name)
  if (!isNoName) hide(host, name)
}

/** Messages have the absolute path; what stands before a relative one is the Haraka directory's. */
function hidePath(value: string, name: string): void {
  const below = path.normalize(value).replace(/^(?:\.\.\/)+/, '')
  const literal = (text: string) => (path.isAbsolute(text) ? '' : '(?<=/)') + escaped(text)
  hide(literal(below), name)
  const folder = path.dirname(below)
  if (!COMMON_FOLDERS.has(folder)) hide(`${literal(folder)}(?!/)`, `the folder of ${name}`)
}

/** No part of a longer word; a stop may follow, and what SQLite adds to a file's name. */
function hide(source: string, name: string): void {
  if (source.length < SHORTEST) return
  hidden.set(source, { pattern: new RegExp(`(?<![\\w.-])${source}(?!\\w|\\.\\w)`, 'gi'), name })
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}/-]/g, '\\$&')
}
