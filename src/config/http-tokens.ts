// The tokens of [http]: `token`, and any number of `token.NAME` with `role.NAME`. Never throws; a wrong one gives no token.

import { type Diagnostic, didYouMean } from './diagnostics'
import type { IniFile } from './ini'
import type { Key } from './key'
import { namedToken } from './secret'
import { TOKEN_ROLES, type TokenRole } from './settings'
import { type ValueParser, whole } from './value-parsers'

export interface HttpToken {
  /** NAME, or `token` for the key `token` itself. */
  name: string
  role: TokenRole
  /** SHA-256 of the token, in hexadecimal. */
  sha256: string
}

const SECTION = 'http'
/** The key of a token without a name, and its name in logs and in the audit. */
const PLAIN = 'token'
const NAMED = /^(token|role)\.(.*)$/s
/** It stands in log lines and in the audit. */
const NAME = /^[a-z\d][a-z\d_-]{0,63}$/i
const NAME_FORM = 'letters, digits, "-" and "_"'

/** The value isn't shown: it may be a token in the wrong line. */
const tokenRole: ValueParser<TokenRole> = whole(TOKEN_ROLES.join(' or '), (text, key) => {
  const role = TOKEN_ROLES.find(one => one === text.toLowerCase())
  return role === undefined ? { fault: `${key} must be ${TOKEN_ROLES.join(' or ')}` } : { value: role }
})

/** The keys of each name, as the reference has them. */
export const TOKEN_KEYS = {
  'token.NAME': {
    parser: namedToken,
    default: '',
    meaning: 'a bearer token with a name, for one user or program; the audit shows its name',
    example: 'env:SES_BOUNCE_MONITORING_TOKEN',
    note: 'As many as there are names. NAME is yours: letters, digits, `-` and `_`.',
  },
  'role.NAME': {
    parser: tokenRole,
    default: 'read',
    meaning: 'the rights of that token: read, or operate to change anything',
    note: 'The token without a name may operate.',
  },
} satisfies Record<string, Key<unknown>>

/** The key of the table for a key as it is written. Undefined: it isn't one of a token with a name. */
export function tokenKey(section: string, key: string): Key<unknown> | undefined {
  const what = section === SECTION ? NAMED.exec(key)?.[1] : undefined
  return what === undefined ? undefined : TOKEN_KEYS[what === 'token' ? 'token.NAME' : 'role.NAME']
}

/** The fault of the name in such a key. */
export function tokenNameFault(key: string): string | undefined {
  const [, what = '', name = ''] = NAMED.exec(key) ?? []
  if (!NAME.test(name)) return `${what} needs a name of ${NAME_FORM} behind the dot: ${what}.NAME`
  if (name !== PLAIN) return undefined
  return what === 'role'
    ? 'the token without a name may operate; one that only reads needs a name: token.NAME'
    : `the name "${PLAIN}" is that of the token without a name; take another`
}

/** A hint for a key that was mistyped before the dot: `tokn.anna`. */
export function tokenHint(section: string, key: string): string {
  const [before = '', ...name] = key.split('.')
  if (section !== SECTION || name.length === 0 || didYouMean(before, ['token', 'role']) === '') return ''
  const meant = /^r/i.test(before) ? 'role' : 'token'
  return `; did you mean "${meant}.${name.join('.')}"?`
}

interface Values {
  /** The value of a key that could be read. */
  valueOf(section: string, key: string): unknown
}

export function readTokens(ini: IniFile, values: Values): { tokens: HttpToken[]; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = []
  const entries = ini.sections.filter(({ name }) => name === SECTION).flatMap(section => section.entries)
  const named = entries.flatMap(({ key, line }) => {
    const [, what, name = ''] = NAMED.exec(key) ?? []
    return what === undefined || tokenNameFault(key) !== undefined ? [] : [{ what, name, key, line }]
  })
  const names = named.filter(({ what }) => what === 'token').map(({ name }) => name)
  const report = (line: number, message: string) =>
    diagnostics.push({ severity: 'error', file: ini.file, line, section: SECTION, message })
  for (const { what, name, key, line } of named) {
    if (what === 'role' && !names.includes(name))
      report(
        line,
        `${key} is the role of no token: token.${name} is missing${didYouMean(
          `token.${name}`,
          names.map(one => `token.${one}`),
        )}`,
      )
  }
  const tokens: HttpToken[] = []
  const add = (key: string, line: number, token: Omit<HttpToken, 'sha256'>) => {
    const sha256 = values.valueOf(SECTION, key)
    if (typeof sha256 !== 'string') return
    const same = tokens.find(one => one.sha256 === sha256)
    // the audit could not tell them apart
    if (same !== undefined)
      report(line, `${key} is the same token as ${same.name === PLAIN ? PLAIN : `token.${same.name}`}`)
    tokens.push({ ...token, sha256 })
  }
  for (const { key, line } of entries) if (key === PLAIN) add(key, line, { name: PLAIN, role: 'operate' })
  for (const { what, name, key, line } of named) {
    if (what === 'role') continue
    add(key, line, { name, role: (values.valueOf(SECTION, `role.${name}`) as TokenRole) ?? 'read' })
  }
  return { tokens, diagnostics }
}
