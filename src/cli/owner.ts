// Runs a command as the user of Haraka's workers, so that root leaves no files that they can't write.
// Only root changes its user; other users stay.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { homeOf, type Owner, runAs, SMTP_FILE } from '../config/owner'

/** The user and group in smtp.ini. @throws ConfigurationError: no such account */
export function ownerOf(harakaDir: string): Owner {
  const file = path.join(harakaDir, 'config', SMTP_FILE)
  return runAs(existsSync(file) ? readFileSync(file, 'utf8') : undefined)
}

/** Changes the user of this process, permanently. */
export function becomeOwner({ uid, gid }: Owner): void {
  if (process.getuid?.() !== 0) return
  if (gid !== undefined) {
    process.setgroups?.([gid])
    process.setgid?.(gid)
  }
  if (uid === undefined) return
  process.setuid?.(uid)
  // the AWS SDK looks for ~/.aws, and root's can't be read any more
  const home = homeOf(uid)
  if (home !== undefined) process.env['HOME'] = home
}
