// Folders and files for Haraka's workers alone. The master may be root, and the folder is the workers': one of them that
// was taken over could put a link in the place of a file. So no link below the folder is followed, and owner and mode are
// changed through the descriptor of what was opened, never by a name.

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
/** open(2): no wait for the writer of a pipe, and no link as the last part of the name. */
const OPEN_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
const OPEN_FOLDER = O_RDONLY | O_DIRECTORY
/** Write permission of the group and of all others. */
const OTHERS_WRITE = 0o022

/** At the top of a file system of its own; root's, and of no use to us. */
const FSCK_FOLDER = 'lost+found'

/**
 * A folder for the owner alone, with the parents that are missing; one that is there stays as it is.
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
 * An existing file for the owner alone.
 * @throws Error of the file system, or when it is no plain file with one name
 */
export function givePrivate(file: string, owner: Owner): void {
  refuseLink(file)
  opened(file, OPEN_FILE, descriptor => {
    refuseOddFile(file, fstatSync(descriptor))
    giveFile(descriptor, owner)
  })
}

/** Does nothing where there is no such name. @throws as `givePrivate` */
export function givePrivateIfThere(file: string, owner: Owner): void {
  // a link that leads nowhere is there
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) givePrivate(file, owner)
}

/** For a file that is open, made by this process. */
export function giveFile(descriptor: number, owner: Owner): void {
  fchmodSync(descriptor, 0o600)
  give(descriptor, owner)
}

/**
 * Everything in a folder becomes the owner's, also when Haraka ran as another user before. The folder itself may be a
 * link. Returns warnings.
 * @throws Error: a link or something odd below it, or what isn't ours and can't be given; it says what to do
 */
export function claimFolder(folder: string, owner: Owner): string[] {
  const claim = new Claim(folder, owner)
  return claim.opened(folder, folder, OPEN_FOLDER, descriptor => claimOpen(folder, descriptor, claim))
}

/**
 * A folder that isn't ours alone, as another one for the queue file. Returns a warning, where there is one.
 * @throws Error: the owner can't make files there; it says what to do
 */
export function checkFolder(folder: string, { uid, gid }: Owner): string | undefined {
  const stats = statSync(folder)
  if (process.geteuid?.() === 0 && uid !== undefined) {
    // path_resolution(7): the first class that fits counts alone
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
      `${file} must be a plain file: it is a link; put the file itself there, or take the link away`,
    )
}

/** What can be told of a folder that others may write to; undefined: nobody but its owner may. */
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

  /** `access`: what we need where it can't be given. */
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

  /** Opens, or says whose it is. */
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
  // by the descriptor: whoever may write to its parent can't change which folder this is
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
  // another process has taken it away
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
      `${shown} is a link, and links are refused here; put the file itself there, or take the link away`,
    )
  if (!entry.isFile() && !entry.isDirectory())
    throw new Error(`${shown} is neither a file nor a folder; take it away`)
}

/** A second name may stand for a file of another user. */
function refuseOddFile(shown: string, stats: Stats): void {
  if (!stats.isFile()) throw new Error(`${shown} must be a plain file: it is something else`)
  if (stats.nlink > 1)
    throw new Error(
      `${shown} must be a plain file: it has a second name (a hard link); put a copy in its place`,
    )
}

/** Only root can give a file away; for all others it is theirs already. chown(2): -1 changes nothing. */
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

/** proc(5): Linux only; elsewhere the name has to do. */
function throughDescriptor(descriptor: number, name: string): string {
  const link = `/proc/self/fd/${descriptor}`
  return existsSync(link) ? link : name
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
}
