// Checks for `check` whether the user of Haraka's workers may read the configuration, and read and write the plugin's
// folder. Changes nothing and opens no file. Never throws: files that can't be examined are left to Haraka's
// start.

import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs'
import path from 'node:path'
import type { Diagnostic } from '../config/diagnostics'
import type { Owner } from '../config/owner'
import type { Source } from '../config/sources'
import { count } from './check-report'
import { FOLDER } from './folder-diagnostics'

const { R_OK, W_OK, X_OK } = constants
/** They are 4, 2 and 1, as the bits of a mode. */
type Access = number

/** `owner`: by smtp.ini; without a user there, the one that runs the check, unless that is root. */
export function ownerDiagnostics(dir: string, files: readonly Source[], owner: Owner): Diagnostic[] {
  const who = owner.uid === undefined ? ownUser() : { uid: owner.uid, gid: owner.gid }
  if (who === undefined) return []
  return [...unreadable(path.join(dir, 'config'), files, who), ...unwritable(dir, who)]
}

interface User {
  uid: number
  gid: number | undefined
}

/** Undefined: root, who may do all. */
function ownUser(): User | undefined {
  const uid = process.geteuid?.()
  return uid === undefined || uid === 0 ? undefined : { uid, gid: process.getegid?.() }
}

function unreadable(configDir: string, files: readonly Source[], user: User): Diagnostic[] {
  const found = files
    .filter(({ text }) => text !== undefined)
    .flatMap(({ name }) => (may(user, path.join(configDir, name), R_OK) ? [] : [name]))
  const folder = may(user, configDir, R_OK | X_OK) ? [] : ['.']
  return [...folder, ...found].map(name => {
    const file = path.join(configDir, name)
    const message = `${whoText(user)} can't read it, so that a change is refused while Haraka runs; run: chgrp ${user.gid ?? user.uid} ${quoted(file)} && chmod g+r${name === '.' ? 'x' : ''} ${quoted(file)}`
    return { severity: 'warning', file: name, line: 0, message }
  })
}

/** The first one is named, and the number of the others. */
function unwritable(dir: string, user: User): Diagnostic[] {
  const found = [...below(path.join(dir, FOLDER), FOLDER)].filter(
    ({ file, isFolder }) => !may(user, file, isFolder ? R_OK | W_OK | X_OK : R_OK | W_OK),
  )
  const [first, ...others] = found
  if (first === undefined) return []
  const more = others.length === 0 ? '' : ` and ${count(others.length, 'other')} here`
  const owner = `${user.uid}${user.gid === undefined ? '' : `:${user.gid}`}`
  const message = `${whoText(user)} can't read and write it${more}; a Haraka that starts as root puts that right, else run as root: chown -R ${owner} ${quoted(path.join(dir, FOLDER))}`
  return [{ severity: 'warning', file: first.shown, line: 0, message }]
}

function* below(
  folder: string,
  shown: string,
): Generator<{ file: string; shown: string; isFolder: boolean }> {
  yield { file: folder, shown, isFolder: true }
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const [file, name] = [path.join(folder, entry.name), `${shown}/${entry.name}`]
      if (entry.isDirectory()) yield* below(file, name)
      else if (entry.isFile()) yield { file, shown: name, isFolder: false }
    }
  } catch {
    // it isn't there, or the user of this check may not read it
  }
}

/** True where it can't be told. */
function may(user: User, file: string, access: Access): boolean {
  try {
    if (user.uid === process.geteuid?.()) {
      accessSync(file, access)
      return true
    }
    return permits(statSync(file), user, access)
  } catch (error) {
    const isDenied = error instanceof Error && 'code' in error && error.code === 'EACCES'
    return !(isDenied && user.uid === process.geteuid?.())
  }
}

/** path_resolution(7): only the first class that fits counts. */
function permits({ uid, gid, mode }: Stats, user: User, access: Access): boolean {
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
  return ((mode >> shift) & access) === access
}

function whoText({ uid }: User): string {
  return uid === process.geteuid?.()
    ? `this user (uid ${uid})`
    : `the user that Haraka's workers run as (uid ${uid})`
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
}
