// The secrets in ses-bounce.ini: the token of the HTTP API, of which the rest of the product sees only the SHA-256, and the
// password of the database. No fault shows any part of them; the saved copy of the file has the digest, and no password.

import { createHash } from 'node:crypto'
import { isPasswordSource } from './database-parsers'
import { type IniEntry, parseIni } from './ini'
import { wholeValue } from './items'
import { orEmpty, type ValueParser, whole } from './value-parsers'

/** RFC 6750 section 2.1: b64token. A token of fewer than 16 characters could be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}={0,2}$/
const DIGEST = /^sha256:([0-9a-f]{64})$/i

/** Its SHA-256, in hexadecimal. Never empty. */
export const namedToken: ValueParser<string> = whole(
  'at least 16 letters, digits and -._~+/, or env:NAME',
  (text, key) => {
    const digest = DIGEST.exec(text)?.[1]?.toLowerCase() ?? (TOKEN.test(text) ? sha256(text) : undefined)
    return digest === undefined
      ? { fault: `${key} can't be used, and isn't shown; ${namedToken.form}` }
      : { value: digest }
  },
)
export const bearerToken: ValueParser<string | undefined> = orEmpty(undefined, namedToken)

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Stands for a password that the saved copy of the file doesn't have. */
const KEPT_OUT = '; it is only in ses-bounce.ini'

/** Replaces each token in the text of ses-bounce.ini by its digest, and takes a password out; names and paths stay. */
export function withoutSecrets(text: string): string {
  const isNoSecret = (value: string) => value === '' || value.startsWith('env:') || DIGEST.test(value)
  const tokens = entriesOf(text, 'http').flatMap(({ key }) => (/^token(?:\.|$)/.test(key) ? [key] : []))
  const shown = [...new Set(tokens)].reduce(
    (saved, key) =>
      replaced(saved, 'http', key, value => (isNoSecret(value) ? undefined : `sha256:${sha256(value)}`)),
    text,
  )
  return replaced(shown, 'queue', 'password', value => (isPasswordSource(value) ? undefined : KEPT_OUT))
}

/** The saved copy of the file with the password of the file as it is now, which may have errors elsewhere. */
export function withPassword(saved: string, now: string): string {
  return replaced(saved, 'queue', 'password', (_, raw) =>
    raw === KEPT_OUT ? (entryOf(now, 'queue', 'password')?.value ?? raw) : undefined,
  )
}

/** `change`: of the value, without its comment, and of the text in the file. Undefined: it stays. */
function replaced(
  text: string,
  section: string,
  key: string,
  change: (value: string, raw: string) => string | undefined,
): string {
  const entry = entryOf(text, section, key)
  const changed = entry && change(wholeValue(entry.value), entry.value)
  if (entry === undefined || changed === undefined) return text
  const lines = text.split(/\r\n|\r|\n/)
  lines.splice(entry.line - 1, linesOf(lines, entry.line - 1), `${key} = ${changed}`)
  return lines.join('\n')
}

function entryOf(text: string, section: string, key: string): IniEntry | undefined {
  return entriesOf(text, section).find(entry => entry.key === key)
}

function entriesOf(text: string, section: string): IniEntry[] {
  return parseIni('', text, { commentsBehindSections: true })
    .sections.filter(({ name }) => name === section)
    .flatMap(({ entries }) => entries)
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
