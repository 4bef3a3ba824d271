// Writes the shipped ses-bounce.ini from the table: every key with its default, all commented out.
// A test compares config/ses-bounce.ini with it.

import { ACCOUNT_KEYS, ACCOUNT_MEANING } from './accounts'
import { TOKEN_KEYS } from './http-tokens'
import type { Key } from './key'
import { SCHEMA, SECTION_MEANING, type SectionName } from './schema'

/** Notes that are true for every value; the reference has them too. */
export const VALUE_FORMS = [
  'Durations: 500ms, 10s, 5m, 24h, 7d. Sizes: 500b, 10kb, 10mb. Rates: 10/minute, 100/hour, 10/day.',
  'Several values go in one line, separated by commas. A value may be env:NAME, an environment variable.',
] as const

const HEAD = `; Settings of haraka-plugin-ses-bounce. Every key is shown with its default, commented out:
; remove the ";" at the start of a line to set it. A wrong value stops Haraka at boot, and is in its log;
; "node_modules/.bin/ses-bounce check" finds it before that, and with "--explain NAME" says more of a key.
; ${VALUE_FORMS[0]}
; ${VALUE_FORMS[1]}
; A comment has a line of its own, or stands behind " ;".
`

export function exampleSettings(): string {
  const sections = Object.entries(SCHEMA).map(([name, keys]) =>
    name === 'http' ? section(name, Object.entries(keys)) + tokens() : section(name, Object.entries(keys)),
  )
  return [HEAD, ...sections, accounts()].join('\n')
}

/** An example of a token with a name, as the names aren't known. */
function tokens(): string {
  const keys: [string, Key<unknown>][] = Object.entries(TOKEN_KEYS)
  const lines = keys.map(
    ([key, { example, default: value, meaning }]) =>
      `; ${key.replace('NAME', 'monitoring')} = ${example ?? value}   ; ${meaning}`,
  )
  return [...lines, ''].join('\n')
}

/** Nothing of it has a default, so it is an example of one account. */
function accounts(): string {
  const keys: [string, Key<unknown>][] = Object.entries(ACCOUNT_KEYS)
  const lines = keys.map(([key, { example, meaning }]) => `; ${key} = ${example}   ; ${meaning}`)
  return [`; ${ACCOUNT_MEANING}`, '; [account.second]', ...lines, ''].join('\n')
}

function section(name: string, keys: [string, Key<unknown>][]): string {
  const settings = keys.map(([key, { default: value }]) => `;${key} = ${value}`.trimEnd())
  const width = Math.max(...settings.map(text => text.length))
  const lines = keys.map(([, key], index) => `${settings[index]?.padEnd(width)}   ; ${comment(key)}`)
  const about = SECTION_MEANING[name as SectionName]
  return [`[${name}]`, ...(about === undefined ? [] : [`; ${about}`]), ...lines, ''].join('\n')
}

function comment({ meaning, example }: Key<unknown>): string {
  return example === undefined ? meaning : `${meaning} (such as ${example})`
}
