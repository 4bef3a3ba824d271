// The user and group that own the plugin's files: those of smtp.ini, as Haraka's workers run as them.

import { readFileSync } from 'node:fs'
import { ConfigurationError } from './configuration-error'
import { type IniEntry, parseIni } from './ini'

export const SMTP_FILE = 'smtp.ini'

/** Undefined: the process's own. */
export interface Owner {
  uid?: number
  gid?: number
}

/** passwd(5), group(5). */
export interface Accounts {
  passwd(): string
  group(): string
}

const SYSTEM: Accounts = {
  passwd: () => readFileSync('/etc/passwd', 'utf8'),
  group: () => readFileSync('/etc/group', 'utf8'),
}

/**
 * Haraka's server.js reads `group` and `user` above all sections of smtp.ini, as names or numbers, alone on their lines.
 * It ignores 0, and without `group` it changes only the user.
 * @throws ConfigurationError: no such account in /etc/passwd or /etc/group
 */
export function runAs(smtpIni: string | undefined, accounts: Accounts = SYSTEM): Owner {
  const main = parseIni(SMTP_FILE, smtpIni ?? '').sections.filter(({ name }) => name === 'main')
  const entries = main.flatMap(section => section.entries)
  const entryOf = (key: string) => entries.findLast(entry => entry.key === key)
  const uid = idOf(entryOf('user'), 'user', () => accounts.passwd())
  const gid = idOf(entryOf('group'), 'group', () => accounts.group())
  return { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) }
}

/** The home of a user, for programs that look for files there. Undefined: it isn't known. */
export function homeOf(uid: number, accounts: Pick<Accounts, 'passwd'> = SYSTEM): string | undefined {
  try {
    const fields = linesOf(accounts.passwd()).find(([, , id]) => id === String(uid))
    return fields?.[5] || undefined
  } catch {
    return undefined
  }
}

function linesOf(text: string): string[][] {
  return text.split('\n').map(line => line.split(':'))
}

function idOf(
  entry: IniEntry | undefined,
  what: 'user' | 'group',
  accounts: () => string,
): number | undefined {
  const name = entry?.value ?? ''
  if (entry === undefined || name === '' || /^0+$/.test(name)) return undefined
  if (/^\d{1,10}$/.test(name)) return Number(name)
  // in both files the name is the first field, the number the third
  const fields = linesOf(accounts()).find(([first]) => first === name)
  const id = fields?.[2] ?? ''
  if (/^\d{1,10}$/.test(id)) return Number(id)
  const file = what === 'user' ? '/etc/passwd' : '/etc/group'
  const message = `${what} ${JSON.stringify(name)} isn't in ${file}; a number works too`
  throw new ConfigurationError([{ severity: 'error', file: SMTP_FILE, line: entry.line, message }])
}
