// HTML in which everything is text unless it was written here: `html` escapes what stands in its ${...}.
// Any text will do: markup stays text, and controls and marks that turn the direction of text are shown as \u202e.

import { escapeControls } from '../config/escape'

/** Made by `html` alone. */
class Html {
  constructor(readonly text: string) {}
}

export type { Html }

/** What is undefined or false leaves nothing. */
export type Part = string | number | undefined | false | Html | readonly Part[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Values of attributes must stand in quotes. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let whole = ''
  for (const [index, text] of texts.entries()) whole += text + textOf(parts[index])
  return new Html(whole)
}

/** Lines that were made here, of words that were not. */
export function lines(texts: readonly string[]): Html {
  return new Html(texts.map(textOf).join('\n'))
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return part.map(textOf).join('')
}

/** ASCII in which nothing is to be escaped: nearly all text, and looked at in no time. */
const PLAIN = /^[ !#$%(-;=?-~]*$/

function escaped(text: string): string {
  return PLAIN.test(text) ? text : escapeControls(text).replace(/[&<>"']/g, mark => ENTITIES[mark] ?? '')
}
