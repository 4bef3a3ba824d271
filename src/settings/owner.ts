// Whose the plugin's files are: smtp.ini's user and group, as whom Haraka's workers run.
// Faults throw, and say which file and what was tried. No link is followed: the folder's owner could have put one there.

import { chmodSync, lchownSync, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ConfigurationError } from './configuration-error'
import { type IniEntry, parseIni } from './ini'

export const SMTP_FILE = 'smtp.ini'

/** Undefined: not changed, the process's own. */
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
 * Haraka's server.js: `group` and `user` above all sections of smtp.ini, names or numbers, nothing else on the line.
 * It leaves 0 out, and without `group` it changes the user only.
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

function idOf(
  entry: IniEntry | undefined,
  what: 'user' | 'group',
  accounts: () => string,
): number | undefined {
  const name = entry?.value ?? ''
  if (entry === undefined || name === '' || /^0+$/.test(name)) return undefined
  if (/^\d{1,10}$/.test(name)) return Number(name)
  // in both files the name is the first field, the number the third
  const fields = accounts()
    .split('\n')
    .map(line => line.split(':'))
    .find(([first]) => first === name)
  const id = fields?.[2] ?? ''
  if (/^\d{1,10}$/.test(id)) return Number(id)
  const file = what === 'user' ? '/etc/passwd' : '/etc/group'
  const message = `${what} ${JSON.stringify(name)} isn't in ${file}; a number would do, too`
  throw new ConfigurationError([{ severity: 'error', file: SMTP_FILE, line: entry.line, message }])
}

/**
 * A folder for the owner alone, with the parents that are missing; one that is there stays as it is.
 * @throws Error of the file system
 */
export function makePrivateDir(folder: string, owner: Owner): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path.resolve(folder); ; made = path.dirname(made)) {
    give(made, owner)
    if (made === path.resolve(first) || made === path.dirname(made)) return
  }
}

/**
 * An existing file for the owner alone.
 * @throws Error of the file system, or when the path isn't a plain file
 */
export function givePrivate(file: string, owner: Owner): void {
  if (!lstatSync(file).isFile())
    throw new Error(`${file} must be a plain file: it is something else, or a link`)
  chmodSync(file, 0o600)
  give(file, owner)
}

/** Only root can give a file away; anyone else made it as himself. chown(2): -1 changes nothing. */
function give(file: string, { uid = -1, gid = -1 }: Owner): void {
  if (process.getuid?.() === 0) lchownSync(file, uid, gid)
}
