// Makes HTML by the tag `html`, which escapes all values in its ${...}. Any text is safe: markup stays text, and control
// characters and direction marks are shown as \u202e.

import { escapeControls } from '../config/escape'

/** HTML that only `html` makes. */
class Html {
  constructor(readonly text: string) {}
}

export type { Html }

/** undefined and false give an empty text. */
export type Part = string | number | undefined | false | Html | readonly Part[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Values of attributes must be in quotes. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let whole = ''
  for (const [index, text] of texts.entries()) whole += text + textOf(parts[index])
  return new Html(whole)
}

/** The texts as lines of HTML. */
export function lines(texts: readonly string[]): Html {
  return new Html(texts.map(textOf).join('\n'))
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return part.map(textOf).join('')
}

/** ASCII without characters to escape: a fast check for nearly all text. */
const PLAIN = /^[ !#$%(-;=?-~]*$/

function escaped(text: string): string {
  return PLAIN.test(text) ? text : escapeControls(text).replace(/[&<>"']/g, mark => ENTITIES[mark] ?? '')
}
