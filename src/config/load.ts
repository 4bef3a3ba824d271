// Reads the settings in ses-bounce.ini: checks every key, and combinations of keys.
// Never throws. A wrong value is replaced by its default, so that all errors are shown at once.

import type { Result } from '../errors'
import {
  ACCOUNT_KEYS,
  ACCOUNT_SECTION,
  accountHint,
  accountNameFault,
  isAccountSection,
  readAccounts,
} from './accounts'
import { type Diagnostic, didYouMean, type Severity, validAre } from './diagnostics'
import { shortened } from './escape'
import { hideValue } from './hidden-values'
import { readTokens, TOKEN_KEYS, tokenHint, tokenKey, tokenNameFault } from './http-tokens'
import { type IniEntry, type IniFile, type IniSection, parseIni } from './ini'
import { wholeValue } from './items'
import { type Key, SES_INTERVAL_MS } from './key'
import { checkRelay } from './relay-together'
import { RENAMED_KEYS, SCHEMA, type SectionName, type Values } from './schema'
import { isLoopbackEndpoint } from './ses-parsers'
import type { Settings } from './settings'
import { checkSqs } from './sqs-together'
import { checkStores } from './stores-together'
import { toSettings } from './to-settings'
import { quoted } from './value-parsers'
import { formatDuration } from './values'

export type Environment = Readonly<Record<string, string | undefined>>

export interface LoadedSettings {
  settings: Settings
  /** In the order of the lines, `ini.diagnostics` included. With an error, `settings` must not be used. */
  diagnostics: Diagnostic[]
  /** The line of a key that is set and could be read. */
  lineOf: (section: string, key: string) => number | undefined
  /** A value for a diagnostic; the value of an environment variable is never shown. */
  shown: (section: string, key: string, text: string) => string
}

export const SETTINGS_FILE = 'ses-bounce.ini'

/** Sections for tokens, passwords, an external id: no diagnostic shows their lines. */
const SECRET_SECTIONS = /^(?:http|queue|relay\.sqs|account\..*)$/i

/** Its sections have known names, so a comment behind a name can't hide one. */
export function parseSettings(text: string): IniFile {
  return parseIni(SETTINGS_FILE, text, {
    commentsBehindSections: true,
    isHidden: name => SECRET_SECTIONS.test(name),
  })
}

export interface LoadOptions {
  /** Sections that the caller doesn't need: a key with a variable that isn't set counts there as not set. */
  unneeded?: readonly SectionName[]
}

/** `env`: the environment for values such as `env:NAME`. */
export function loadSettings(
  ini: IniFile,
  env: Environment,
  { unneeded = [] }: LoadOptions = {},
): LoadedSettings {
  const reader = new Reader(ini, env, unneeded)
  const values = reader.read()
  checkTogether(values, reader)
  const { accounts, diagnostics: ofAccounts } = readAccounts(ini, reader)
  const { tokens, diagnostics: ofTokens } = readTokens(ini, reader)
  return {
    settings: toSettings({ ...values, accounts, tokens }),
    diagnostics: [...reader.diagnostics, ...ofAccounts, ...ofTokens].toSorted((a, b) => a.line - b.line),
    lineOf: (section, key) => reader.lineOf(section, key),
    shown: (section, key, text) => reader.shown(section, key, text),
  }
}

const TABLE = new Map<string, Map<string, Key<unknown>>>(
  Object.entries(SCHEMA).map(([section, keys]) => [
    section,
    new Map<string, Key<unknown>>(Object.entries(keys)),
  ]),
)

const ACCOUNT_TABLE = new Map<string, Key<unknown>>(Object.entries(ACCOUNT_KEYS))

class Reader {
  readonly diagnostics: Diagnostic[]
  readonly #ini: IniFile
  readonly #env: Environment
  readonly #unneeded: readonly string[]
  readonly #faultyLines: ReadonlySet<number>
  /** Entries that could be read, by `section.key`. */
  readonly #taken = new Map<string, { entry: IniEntry; value: unknown }>()

  constructor(ini: IniFile, env: Environment, unneeded: readonly string[]) {
    this.#ini = ini
    this.#env = env
    this.#unneeded = unneeded
    this.diagnostics = [...ini.diagnostics]
    this.#faultyLines = new Set(ini.diagnostics.map(({ line }) => line))
  }

  read(): Values {
    for (const section of this.#ini.sections) this.#section(section)
    const sections = [...TABLE].map(([section, keys]) => {
      const values = [...keys].map(([name, key]) => {
        const taken = this.#taken.get(`${section}.${name}`)
        return [name, taken ? taken.value : defaultOf(key)] as const
      })
      return [section, Object.fromEntries(values)] as const
    })
    // the table's own parser made each value, so the types agree
    return Object.fromEntries(sections) as Values
  }

  /** A key is set, also to a value that is wrong. */
  isSet(section: string, key: string): boolean {
    return this.#ini.sections.some(
      ({ name, entries }) => name === section && entries.some(entry => entry.key === key),
    )
  }

  /** The line of a key that is set and could be read. */
  lineOf(section: string, key: string): number | undefined {
    return this.#taken.get(`${section}.${key}`)?.entry.line
  }

  /** Undefined: it isn't set, or couldn't be read. */
  valueOf(section: string, key: string): unknown {
    return this.#taken.get(`${section}.${key}`)?.value
  }

  report(severity: Severity, section: string, line: number, message: string): void {
    this.diagnostics.push({ severity, file: this.#ini.file, line, section, message })
  }

  #section({ name, line, entries }: IniSection): void {
    const keys = isAccountSection(name) ? ACCOUNT_TABLE : TABLE.get(name)
    // a section name that couldn't be read has its own diagnostic
    if (keys === undefined && !this.#faultyLines.has(line)) {
      this.report('error', name, line, `unknown section${sectionHint(name, entries)}`)
    }
    const wrongName = isAccountSection(name) ? accountNameFault(name) : undefined
    if (wrongName !== undefined && !this.#faultyLines.has(line)) this.report('error', name, line, wrongName)
    if (keys) for (const entry of entries) this.#entry(name, keys, entry)
  }

  #entry(section: string, keys: Map<string, Key<unknown>>, entry: IniEntry): void {
    const ofToken = tokenKey(section, entry.key)
    const key = keys.get(entry.key) ?? ofToken
    const wrongName = ofToken && tokenNameFault(entry.key)
    if (wrongName !== undefined) {
      this.report('error', section, entry.line, wrongName)
      return
    }
    if (key === undefined) {
      const known = [...keys.keys(), ...(section === 'http' ? Object.keys(TOKEN_KEYS) : [])]
      const renamed = RENAMED_KEYS[`${section}.${entry.key}`]
      const hint =
        renamed !== undefined
          ? `; ${renamed}`
          : tokenHint(section, entry.key) ||
            didYouMean(entry.key, known) ||
            belongsTo(entry.key) ||
            validAre(known)
      this.report('error', section, entry.line, `unknown key ${quoted(entry.key)}${hint}`)
      return
    }
    const written = asWritten(entry, this.#env)
    if ('fault' in written && this.#unneeded.includes(section)) return
    const read = 'value' in written ? key.parser.read(written.value, entry.key) : written
    const variable = variableOf(entry)
    if ('value' in read) {
      this.#taken.set(`${section}.${entry.key}`, { entry, value: read.value })
      const isSecret = section === 'queue' && entry.key === 'password'
      if ((variable !== undefined || isSecret) && 'value' in written)
        hideValue(section, entry.key, wholeValue(written.value))
    } else if ('value' in written && variable !== undefined)
      this.report('error', section, entry.line, heldFault(entry.key, variable, key))
    else this.report('error', section, entry.line, read.fault)
  }

  /** A value for a diagnostic; the value of an environment variable is never shown. */
  shown(section: string, key: string, text: string): string {
    const entry = this.#taken.get(`${section}.${key}`)?.entry
    const variable = entry && variableOf(entry)
    return variable === undefined ? text : `env:${shortened(variable)}`
  }
}

/** The name after `env:`. Undefined: the value is written in the file. */
function variableOf({ value }: IniEntry): string | undefined {
  return /^env:\s*(.*)$/.exec(wholeValue(value))?.[1]
}

/** The fault without the variable's value: a mistaken name may refer to a secret. */
function heldFault(name: string, variable: string, { parser }: Key<unknown>): string {
  const range = parser.range === undefined ? '' : `; ${parser.range}`
  return `${name}: the value of the environment variable ${quoted(variable)} can't be used, and isn't shown; ${parser.form}${range}`
}

/** The value in the file, or in the environment variable that it names. */
function asWritten(entry: IniEntry, env: Environment): Result<string> {
  const { key, value } = entry
  const name = variableOf(entry)
  if (name === undefined) return { value }
  if (name === '') return { fault: `${key}: the name of a variable is missing after "env:"` }
  const held = fromEnvironment(env, name)
  return held === undefined
    ? { fault: `${key}: the environment variable ${quoted(name)} isn't set` }
    : { value: held }
}

/** A semicolon in an environment variable begins no comment. */
function fromEnvironment(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name]?.trim().replace(/(^|\s);/g, '$1\\;') : undefined
}

function sectionHint(name: string, entries: readonly IniEntry[]): string {
  if (entries.some(({ key }) => key === 'action')) return '; rules belong in ses-bounce-rules.ini'
  return accountHint(name) || didYouMean(name, TABLE.keys()) || validAre([...TABLE.keys(), ACCOUNT_SECTION])
}

/** A hint with the right section for a key in a wrong one. */
function belongsTo(key: string): string {
  const sections = [...TABLE].filter(([, keys]) => keys.has(key)).map(([section]) => `[${section}]`)
  return sections.length > 0 ? `; it belongs to ${sections.join(' or ')}` : ''
}

function defaultOf(key: Key<unknown>): unknown {
  const read = key.parser.read(key.default, key.meaning)
  return 'value' in read ? read.value : undefined
}

function checkTogether(values: Values, reader: Reader): void {
  const { ses, limit, window } = values
  checkStores(values, reader)
  checkSqs(values, reader)
  checkRelay(values, reader)
  if (window.margin >= window.length) {
    const line = reader.lineOf('window', 'margin') ?? reader.lineOf('window', 'length') ?? 0
    const margin = reader.shown('window', 'margin', formatDuration(window.margin))
    const length = reader.shown('window', 'length', formatDuration(window.length))
    reader.report('error', 'window', line, `margin (${margin}) must be shorter than length (${length})`)
  }
  if (limit.interval < SES_INTERVAL_MS && !isLoopbackEndpoint(ses.endpoint)) {
    const interval = reader.shown('limit', 'interval', formatDuration(limit.interval))
    const message = `"${interval}" is too little for interval; at least 1000ms: SES accepts one call a second`
    reader.report('error', 'limit', reader.lineOf('limit', 'interval') ?? 0, message)
  }
}
