// A release token exempts one mail from the rules when it is released from the quarantine. It is a secret, valid once
// and for a minute. Its digest is the name of a file that only the plugin's user can make; hosts that share a queue have
// it there (src/queue/postgres/release-tokens.ts), as a release may reach another host. Faults of the disk throw.

import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm, stat, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makePrivateDir } from '../config/private-files'
import type { EpochMs } from '../units'

/** An SMTP command, with the token behind it. No extension of SMTP has this name, and Haraka doesn't know it. */
export const RELEASE_COMMAND = 'XSESBOUNCEPASS'
/** The command only has to connect before it uses the token. */
export const VALID_FOR_MS = 60_000

export interface ReleaseTokens {
  /** Call `revoke` when the token is no longer needed, whether it was used or not. */
  issue(nowMs: EpochMs): Promise<{ token: string; revoke: () => Promise<void> }>
  /** Uses up the token. True: it was valid. Of several calls at once only one gets true. */
  redeem(token: string, nowMs: EpochMs): Promise<boolean>
}

export function newReleaseToken(): { token: string; digest: string } {
  const token = randomBytes(32).toString('hex')
  return { token, digest: digestOf(token) }
}

/** It is stored in place of the token, so that a listing shows no secret, and a token can't name any path. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The folder for tokens. */
export function releaseTokenFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'passes')
}

/** Tokens for the Haraka of this directory, as files. */
export function folderTokens(folder: string): ReleaseTokens {
  return {
    async issue(nowMs) {
      makePrivateDir(folder, {})
      await removeOld(folder, nowMs)
      const { token, digest } = newReleaseToken()
      const file = path.join(folder, digest)
      await writeFile(file, '', { mode: 0o600, flag: 'wx' })
      return { token, revoke: () => rm(file, { force: true }) }
    },
    async redeem(token, nowMs) {
      const file = path.join(folder, digestOf(token))
      try {
        const { mtimeMs } = await stat(file)
        // only one process succeeds in unlink; Node's rm would also succeed for a missing file
        await unlink(file)
        return Math.abs(nowMs - mtimeMs) <= VALID_FOR_MS
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
        throw error
      }
    },
  }
}

/** Removes the tokens of commands that were killed. */
async function removeOld(folder: string, nowMs: EpochMs): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name)
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile() && nowMs - found.mtimeMs > VALID_FOR_MS) await rm(file, { force: true })
  }
}
