// Reads the values of an ini line: removes comments, splits lists, undoes quotes and escapes.
// A fault is returned as text for a diagnostic, never thrown.

import type { Result } from '../errors'
import { shortened } from './escape'

export interface Item {
  text: string
  /** The form in the file: `quoted` is literal, `regex` is the text between the slashes. */
  form: 'plain' | 'quoted' | 'regex'
  /** Letters after the closing slash of a regex. */
  flags: string
}

export interface Items {
  items: Item[]
  fault?: string
}

/** Reads a single value up to ` ;`. `\;` is a semicolon after a space. */
export function wholeValue(raw: string): string {
  const end = raw.search(/(?:^|\s);/)
  const text = end < 0 ? raw : raw.slice(0, end)
  return text.trim().replaceAll('\\;', ';')
}

/**
 * Reads a list: `a, "b, c", /d,e/i ; comment`. An item that begins with `"` or `/` ends at its closing
 * mark; elsewhere `\,` and `\;` are a comma and a semicolon.
 */
export function splitItems(raw: string): Items {
  const items: Item[] = []
  let at = 0
  for (;;) {
    at += /^\s*/.exec(raw.slice(at))?.[0].length ?? 0
    if (at >= raw.length || raw[at] === ';') return { items }
    const read = readItem(raw, at)
    if ('fault' in read) return { items, fault: read.fault }
    const { item, end } = read.value
    if (item.text !== '' || item.form !== 'plain') items.push(item)
    at = end
    const rest = /^\s*(,|;|$)/.exec(raw.slice(at))
    if (!rest) return { items, fault: `a comma is missing before "${shortened(raw.slice(at).trim())}"` }
    if (rest[1] !== ',') return { items }
    at += rest[0].length
  }
}

function readItem(raw: string, start: number): Result<{ item: Item; end: number }> {
  const open = raw[start]
  if (open === '"' || open === '/') {
    const close = closing(raw, start, open)
    if (close < 0) return { fault: `the closing ${open} is missing after ${shortened(raw.slice(start))}` }
    const inner = raw.slice(start + 1, close)
    if (open === '"')
      return found({ text: inner.replace(/\\(["\\])/g, '$1'), form: 'quoted', flags: '' }, close + 1)
    const flags = /^[A-Za-z]*/.exec(raw.slice(close + 1))?.[0] ?? ''
    return found({ text: inner.replaceAll('\\/', '/'), form: 'regex', flags }, close + 1 + flags.length)
  }
  let end = start
  while (end < raw.length && raw[end] !== ',' && !(raw[end] === ';' && /\s/.test(raw[end - 1] ?? ' '))) {
    end += raw[end] === '\\' && end + 1 < raw.length ? 2 : 1
  }
  const text = raw
    .slice(start, end)
    .trim()
    .replace(/\\([,;])/g, '$1')
  return found({ text, form: 'plain', flags: '' }, end)
}

function found(item: Item, end: number): Result<{ item: Item; end: number }> {
  return { value: { item, end } }
}

function closing(raw: string, start: number, mark: string): number {
  for (let i = start + 1; i < raw.length; i++) {
    if (raw[i] === '\\') i++
    else if (raw[i] === mark) return i
  }
  return -1
}
