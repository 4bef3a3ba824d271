// A pass lets one mail from the quarantine past the rules: a secret, good once and for a minute, known by a file
// that only the plugin's own user can make. Whoever has no pass is told so; a fault of the disk throws.

import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm, stat, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makePrivateDir } from '../config/private-files'

/** Of MAIL FROM (RFC 5321 section 4.1.2, esmtp-param): no extension of SMTP has this name. */
export const RELEASE_PARAMETER = 'XSESBOUNCEPASS'
/** From the pass to MAIL FROM is no more than a connection. */
const GOOD_FOR_MS = 60_000

/** Where a Haraka directory keeps them. */
export function releaseTokenFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'passes')
}

/** `revoke`: to be called once it isn't needed any more, used or not. */
export async function issueReleaseToken(
  folder: string,
  nowMs: number,
): Promise<{ token: string; revoke: () => Promise<void> }> {
  makePrivateDir(folder, {})
  await removeOld(folder, nowMs)
  const token = randomBytes(32).toString('hex')
  const file = fileOf(folder, token)
  await writeFile(file, '', { mode: 0o600, flag: 'wx' })
  return { token, revoke: () => rm(file, { force: true }) }
}

/** True: it was good, and is no longer. Of several that ask at once, one is told so. */
export async function redeemReleaseToken(folder: string, token: string, nowMs: number): Promise<boolean> {
  const file = fileOf(folder, token)
  try {
    const { mtimeMs } = await stat(file)
    // the file system gives one unlink to one process; Node's rm looks first, and passes over what has gone since
    await unlink(file)
    return Math.abs(nowMs - mtimeMs) <= GOOD_FOR_MS
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

/** Of commands that were killed. */
async function removeOld(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name)
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile() && nowMs - found.mtimeMs > GOOD_FOR_MS) await rm(file, { force: true })
  }
}

/** Whoever can list the folder doesn't know the secret, and no secret leads out of it. */
function fileOf(folder: string, token: string): string {
  return path.join(folder, createHash('sha256').update(token).digest('hex'))
}
