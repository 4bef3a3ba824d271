// The only secret in ses-bounce.ini is the token of the HTTP API. The rest of the product sees only its SHA-256.
// No fault shows any part of it; the saved copy of the file has the digest instead.

import { createHash } from 'node:crypto'
import { parseIni } from './ini'
import { wholeValue } from './items'
import { orEmpty, type ValueParser, whole } from './value-parsers'

export const SECRET_SECTION = 'http'
const SECRET_KEY = 'token'

/** RFC 6750 section 2.1: b64token. A token of fewer than 16 characters could be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}={0,2}$/
const DIGEST = /^sha256:([0-9a-f]{64})$/i

/** Its SHA-256, in hexadecimal. */
export const bearerToken: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('at least 16 letters, digits and -._~+/, or env:NAME', (text, key) => {
    const digest = DIGEST.exec(text)?.[1]?.toLowerCase() ?? (TOKEN.test(text) ? sha256(text) : undefined)
    return digest === undefined
      ? { fault: `${key} can't be used, and isn't shown; ${bearerToken.form}` }
      : { value: digest }
  }),
)

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Replaces the token in the text of ses-bounce.ini by its digest; a variable's name stays. */
export function withoutToken(text: string): string {
  const { sections } = parseIni('', text, { commentsBehindSections: true })
  const entry = sections
    .filter(({ name }) => name === SECRET_SECTION)
    .flatMap(({ entries }) => entries)
    .find(({ key }) => key === SECRET_KEY)
  const value = wholeValue(entry?.value ?? '')
  if (entry === undefined || value === '' || value.startsWith('env:') || DIGEST.test(value)) return text
  const lines = text.split(/\r\n|\r|\n/)
  lines.splice(entry.line - 1, linesOf(lines, entry.line - 1), `${SECRET_KEY} = sha256:${sha256(value)}`)
  return lines.join('\n')
}

/** The number of lines of a value: a backslash at the end joins the next line. Comments between them are skipped. */
function linesOf(lines: readonly string[], from: number): number {
  let last = from
  while (/\\[ \t]*$/.test(lines[last] ?? '')) {
    last++
    while (/^\s*[;#]/.test(lines[last] ?? '')) last++
  }
  return last - from + 1
}
