// Whose files a command works on: those of Haraka's workers, so that root leaves none behind that they can't write.
// Only root changes anything; whoever else asks stays who he is.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Owner, runAs, SMTP_FILE } from '../config/owner'

/** As smtp.ini has it. @throws ConfigurationError: no such account */
export function ownerOf(harakaDir: string): Owner {
  const file = path.join(harakaDir, 'config', SMTP_FILE)
  return runAs(existsSync(file) ? readFileSync(file, 'utf8') : undefined)
}

/** From here on this process is that user; there is no way back. */
export function becomeOwner({ uid, gid }: Owner): void {
  if (process.getuid?.() !== 0) return
  if (gid !== undefined) {
    process.setgroups?.([gid])
    process.setgid?.(gid)
  }
  if (uid !== undefined) process.setuid?.(uid)
}
