// Makes folders and files for Haraka's workers alone. The master may be root, while the folder belongs to the workers:
// an attacker in a worker could replace a file by a link. So no link below the folder is followed, and owner and mode
// are changed through an open descriptor, never by name.

import {
  accessSync,
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs'
import path from 'node:path'
import type { Owner } from './owner'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, R_OK, W_OK, X_OK } = constants
/** open(2): doesn't wait for the writer of a pipe, and refuses a link as the last part of the name. */
const OPEN_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
const OPEN_FOLDER = O_RDONLY | O_DIRECTORY
/** Write permission of the group and of all others. */
const OTHERS_WRITE = 0o022

/** The folder at the top of a file system. It belongs to root, and is ignored. */
const FSCK_FOLDER = 'lost+found'

/**
 * Makes a folder for the owner alone, with missing parents; an existing folder isn't changed.
 * @throws Error of the file system
 */
export function makePrivateDir(folder: string, owner: Owner): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path.resolve(folder); ; made = path.dirname(made)) {
    opened(made, OPEN_FOLDER | O_NOFOLLOW, descriptor => give(descriptor, owner))
    if (made === path.resolve(first) || made === path.dirname(made)) return
  }
}

/**
 * Gives an existing file to the owner alone.
 * @throws Error of the file system, or when it isn't a plain file with one name
 */
export function givePrivate(file: string, owner: Owner): void {
  refuseLink(file)
  opened(file, OPEN_FILE, descriptor => {
    refuseOddFile(file, fstatSync(descriptor))
    giveFile(descriptor, owner)
  })
}

/** Does the same as `givePrivate`, but ignores a missing file. */
export function givePrivateIfThere(file: string, owner: Owner): void {
  // a link without a target counts as a file
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) givePrivate(file, owner)
}

/** Gives an open file that this process made to the owner. */
export function giveFile(descriptor: number, owner: Owner): void {
  fchmodSync(descriptor, 0o600)
  give(descriptor, owner)
}

/**
 * Gives everything in a folder to the owner, also when Haraka ran as another user before. The folder itself may be a
 * link. Returns warnings.
 * @throws Error about a link or an odd file below it, or a file of another user; it says what to do
 */
export function claimFolder(folder: string, owner: Owner): string[] {
  const claim = new Claim(folder, owner)
  return claim.opened(folder, folder, OPEN_FOLDER, descriptor => claimOpen(folder, descriptor, claim))
}

/**
 * Checks a folder that isn't ours alone, such as another folder for the queue file. Returns a warning, if any.
 * @throws Error when the owner can't make files there; it says what to do
 */
export function checkFolder(folder: string, { uid, gid }: Owner): string | undefined {
  const stats = statSync(folder)
  if (process.geteuid?.() === 0 && uid !== undefined) {
    // path_resolution(7): only the first class that fits counts
    const bits = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0
    if (((stats.mode >> bits) & 0o3) !== 0o3) {
      const command = `chown ${uid}${gid === undefined ? '' : `:${gid}`} ${quoted(folder)}`
      throw new Error(
        `the user that Haraka's workers run as (uid ${uid}) can't write to ${folder}; run: ${command}`,
      )
    }
  }
  return openToOthers(folder, stats)
}

/** @throws Error */
export function refuseLink(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Error(
      `${file} must be a plain file: it is a link; put the file itself there, or remove the link`,
    )
}

/** The warning about a folder that others can write to; undefined: only its owner can. */
export function openToOthers(folder: string, { mode }: Pick<Stats, 'mode'>): string | undefined {
  return (mode & OTHERS_WRITE) === 0
    ? undefined
    : `other users can write to ${folder} (mode ${(mode & 0o7777).toString(8)}); run: chmod go-w ${quoted(folder)}`
}

class Claim {
  readonly #folder: string
  readonly #owner: Owner
  readonly #canGive = process.geteuid?.() === 0
  readonly #uid: number | undefined

  constructor(folder: string, owner: Owner) {
    this.#folder = folder
    this.#owner = owner
    this.#uid = this.#canGive ? owner.uid : process.geteuid?.()
  }

  isOurs({ uid, gid }: Stats): boolean {
    const isGroup = !this.#canGive || this.#owner.gid === undefined || gid === this.#owner.gid
    return (this.#uid === undefined || uid === this.#uid) && isGroup
  }

  /** `access`: the access that is enough if the owner can't be changed. */
  take(shown: string, descriptor: number, access: number): void {
    if (this.#canGive) {
      give(descriptor, this.#owner)
      return
    }
    try {
      accessSync(throughDescriptor(descriptor, shown), access)
    } catch {
      throw this.refusal(shown, fstatSync(descriptor))
    }
  }

  refusal(shown: string, { uid }: Stats): Error {
    const [ours, group] = [process.geteuid?.() ?? '', process.getegid?.() ?? '']
    const command = `chown -R ${ours}:${group} ${quoted(this.#folder)}`
    return new Error(
      `${shown} belongs to another user (uid ${uid}), and Haraka runs as uid ${ours}; run as root: ${command}`,
    )
  }

  /** Opens it, or throws an error that names its owner. */
  opened<T>(shown: string, file: string, flags: number, use: (descriptor: number) => T): T {
    let descriptor: number
    try {
      descriptor = openSync(file, flags)
    } catch (error) {
      const stats = statSync(file, { throwIfNoEntry: false })
      const isDenied = error instanceof Error && 'code' in error && error.code === 'EACCES'
      throw isDenied && stats !== undefined ? this.refusal(shown, stats) : error
    }
    try {
      return use(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

function claimOpen(folder: string, descriptor: number, claim: Claim): string[] {
  const stats = fstatSync(descriptor)
  if (!claim.isOurs(stats)) claim.take(folder, descriptor, R_OK | W_OK | X_OK)
  const warning = openToOthers(folder, stats)
  const warnings = warning === undefined ? [] : [warning]
  // by the descriptor: a user who can write to the parent can't replace the folder meanwhile
  const here = throughDescriptor(descriptor, folder)
  for (const entry of readdirSync(here, { withFileTypes: true })) {
    if (entry.name === FSCK_FOLDER) continue
    const shown = path.join(folder, entry.name)
    const below = path.join(here, entry.name)
    refuseOddEntry(shown, entry)
    if (entry.isDirectory())
      warnings.push(
        ...claim.opened(shown, below, OPEN_FOLDER | O_NOFOLLOW, one => claimOpen(shown, one, claim)),
      )
    else claimFile(shown, below, claim)
  }
  return warnings
}

function claimFile(shown: string, file: string, claim: Claim): void {
  const seen = lstatSync(file, { throwIfNoEntry: false })
  // another process has removed it
  if (seen === undefined || (claim.isOurs(seen) && (seen.mode & OTHERS_WRITE) === 0)) return
  claim.opened(shown, file, OPEN_FILE, descriptor => {
    const stats = fstatSync(descriptor)
    refuseOddFile(shown, stats)
    if (!claim.isOurs(stats)) claim.take(shown, descriptor, R_OK | W_OK)
    if ((stats.mode & OTHERS_WRITE) !== 0) fchmodSync(descriptor, stats.mode & 0o755)
  })
}

function refuseOddEntry(shown: string, entry: Dirent): void {
  if (entry.isSymbolicLink())
    throw new Error(
      `${shown} is a link, and links are refused here; put the file itself there, or remove the link`,
    )
  if (!entry.isFile() && !entry.isDirectory())
    throw new Error(`${shown} is neither a file nor a folder; remove it`)
}

/** A second name (hard link) may belong to a file of another user. */
function refuseOddFile(shown: string, stats: Stats): void {
  if (!stats.isFile()) throw new Error(`${shown} must be a plain file: it is something else`)
  if (stats.nlink > 1)
    throw new Error(
      `${shown} must be a plain file: it has a second name (a hard link); put a copy in its place`,
    )
}

/** Only root can change the owner; for other users the file is theirs already. chown(2): -1 changes nothing. */
function give(descriptor: number, { uid = -1, gid = -1 }: Owner): void {
  if (process.geteuid?.() === 0) fchownSync(descriptor, uid, gid)
}

function opened<T>(file: string, flags: number, use: (descriptor: number) => T): T {
  const descriptor = openSync(file, flags)
  try {
    return use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** proc(5) exists on Linux only; elsewhere the name is used. */
function throughDescriptor(descriptor: number, name: string): string {
  const link = `/proc/self/fd/${descriptor}`
  return existsSync(link) ? link : name
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
}
