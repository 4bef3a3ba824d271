// The store of mail in two folders below ses-bounce/: NAME.eml is the raw mail, NAME.json its record.

import { randomUUID } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { MAIL_PLACES, type MailPlace } from '../queue/mail-ledger'
import { type Cleaner, openCleaner } from './clean'
import {
  deleteMail,
  isMissing,
  isThere,
  type MailFolders,
  moveToKept,
  moveToQuarantine,
  recordOf,
} from './folder-moves'
import type { MailStore, StoredFile } from './mail-store'
import { isName } from './names'
import { writeMail, writeRecord } from './write-files'

/** The folder for mail that the policy quarantined. */
export function quarantineFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'quarantine')
}

/** The folder for mail that waits until SES has made its bounces. */
export function keptFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'kept')
}

/** The folder above both, by the same name in all processes. */
export function mailHome(harakaDir: string): string {
  const home = path.join(harakaDir, 'ses-bounce')
  try {
    return realpathSync(home)
  } catch {
    return path.resolve(home)
  }
}

const ID_FILE = 'store-id'

/** Made once, by whichever process comes first. It is there with its text, or not at all. */
function folderId(home: string): string {
  const file = path.join(home, ID_FILE)
  if (!existsSync(file)) {
    const own = `${file}.${randomUUID()}`
    mkdirSync(home, { recursive: true, mode: 0o700 })
    writeFileSync(own, `${randomUUID()}\n`, { mode: 0o600 })
    try {
      linkSync(own, file)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    } finally {
      unlinkSync(own)
    }
  }
  return `folder:${readFileSync(file, 'utf8').trim()}`
}

/** A step looks at a thousand files, so some 50,000 mails (the default limit) take ten minutes. */
const SWEEP_PAUSE_MS = 10_000

/** A record takes some 0.2 ms. */
const LOOKS_AT_ONCE = 1000

export interface FolderStoreOptions {
  isOnOneHost?: boolean
  /** How far the clock by which files are dated is ahead of the given times. */
  aheadMs?: () => number
}

/**
 * `isOnOneHost`: the path names the folder. Otherwise a file in it does: hosts may have folders of their own at the same
 * path, or share one folder at different paths.
 */
export function openFolderStore(
  harakaDir: string,
  { isOnOneHost = true, aheadMs = () => 0 }: FolderStoreOptions = {},
): MailStore {
  const folders: MailFolders = { kept: keptFolder(harakaDir), quarantine: quarantineFolder(harakaDir) }
  const cleaners = new Map<MailPlace, Cleaner>()
  const emlOf = (place: MailPlace, name: string) => path.join(folders[place], `${name}.eml`)
  return {
    isOfAllHosts: false,
    // the folder may be made after the store is opened
    get home() {
      return isOnOneHost ? mailHome(harakaDir) : folderId(mailHome(harakaDir))
    },
    looksAtOnce: LOOKS_AT_ONCE,
    locationOf: emlOf,
    has: (place, name) => isThere(emlOf(place, name)),
    stat: (place, name) => statFile(emlOf(place, name)),
    write: (place, name, record, pipeRaw) => writeMail(folders[place], name, record, pipeRaw),
    read: (place, name, firstBytes) =>
      createReadStream(emlOf(place, name), firstBytes === undefined ? {} : { end: firstBytes - 1 }),
    record: (place, name) => recordOf(folders, place, name),
    writeRecord: (place, name, record) => writeRecord(folders[place], name, record),
    hold: (name, held, nowMs) => moveToQuarantine(folders, name, held, nowMs, nowMs + aheadMs()),
    putBack: (name, record) => moveToKept(folders, name, record),
    remove: (place, name) => deleteMail(folders[place], name),
    names: () => namesIn(folders.quarantine),
    async sweep({ nowMs, keepMs, isNeeded, found }) {
      const ahead = aheadMs()
      const steps = await Promise.all(
        MAIL_PLACES.map(place => {
          const cleaner = cleaners.get(place) ?? openCleaner(folders[place])
          cleaners.set(place, cleaner)
          const keeps = place === 'kept' ? {} : { keepMs, ...(isNeeded && { isNeeded }) }
          return cleaner.step({
            nowMs: nowMs + ahead,
            ...keeps,
            found: (name, file) => found(place, name, { ...file, atMs: file.atMs - ahead }),
          })
        }),
      )
      const removed = steps.reduce((sum, step) => sum + step.removed, 0)
      return { removed, faults: steps.flatMap(({ faults }) => faults) }
    },
    sweepPauseMs: SWEEP_PAUSE_MS,
    async close() {
      for (const cleaner of cleaners.values()) await cleaner.close()
      cleaners.clear()
    },
  }
}

async function statFile(file: string): Promise<StoredFile | undefined> {
  const found = await stat(file).catch(missingAs(undefined))
  return found && { sizeBytes: found.size, atMs: found.mtimeMs }
}

/** Empty where there is no quarantine yet. */
async function namesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(missingAs([]))
  const names = files.filter(file => file.endsWith('.eml')).map(file => file.slice(0, -'.eml'.length))
  const times: { name: string; ms: number }[] = []
  for (const name of names.filter(isName)) {
    const found = await statFile(path.join(folder, `${name}.eml`))
    if (found) times.push({ name, ms: found.atMs })
  }
  return times.toSorted((a, b) => b.ms - a.ms || (a.name < b.name ? -1 : 1)).map(({ name }) => name)
}

function missingAs<T>(value: T): (error: unknown) => T {
  return error => {
    if (isMissing(error)) return value
    throw error
  }
}
