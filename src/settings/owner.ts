// Whose the plugin's files are: those of smtp.ini's user and group, as Haraka's workers run as these.
// Errors say which file, and what was tried.

import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs'
import { parseIni } from './ini'
import { wholeValue } from './items'

/** Undefined: nothing is to be changed. */
export interface Owner {
  uid?: number
  gid?: number
}

/**
 * Haraka: smtp.ini `user=` and `group=`, names or numbers; without `group` only the user changes.
 * @throws Error when there is no such user or group
 */
export function runAs(smtpIni: string | undefined): Owner {
  const main = parseIni('smtp.ini', smtpIni ?? '').sections.find(section => section.name === 'main')
  const value = (key: string) => wholeValue(main?.entries.find(entry => entry.key === key)?.value ?? '')
  const user = value('user')
  const group = value('group')
  return {
    ...(user !== '' && { uid: idOf(user, '/etc/passwd', 'user') }),
    ...(group !== '' && { gid: idOf(group, '/etc/group', 'group') }),
  }
}

/** passwd(5), group(5): the name is the first field, the number the third. */
function idOf(name: string, database: string, what: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const line = readFileSync(database, 'utf8')
    .split('\n')
    .find(entry => entry.startsWith(`${name}:`))
  const id = Number(line?.split(':')[2])
  if (line === undefined || !Number.isInteger(id)) throw new Error(`smtp.ini: there is no ${what} "${name}"`)
  return id
}

/** A folder for the owner alone. Its parents are made too, where they are missing. */
export function makePrivateDir(folder: string, owner: Owner): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (made !== undefined) give(folder, owner)
}

/** An existing file for the owner alone. */
export function givePrivate(file: string, owner: Owner): void {
  chmodSync(file, 0o600)
  give(file, owner)
}

/** Only root can give a file away; anyone else has made it as himself already. */
function give(file: string, { uid, gid }: Owner): void {
  if (process.getuid?.() === 0 && (uid !== undefined || gid !== undefined))
    chownSync(file, uid ?? 0, gid ?? 0)
}
