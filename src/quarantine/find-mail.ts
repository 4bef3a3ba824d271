// Finds the raw mail of a job, for `queue show`, the API and the status page.

import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Job } from '../queue/job'
import type { MailFolders } from './bring-in-order'

/**
 * The paths of its files. Several: its recipients came in several transactions. None: SES made all bounces, or it
 * wasn't kept.
 */
export function findMail({ recipients }: Pick<Job, 'recipients'>, folders: MailFolders): string[] {
  const names = [...new Set(recipients.flatMap(({ kept }) => kept ?? []))]
  const places = [folders.kept, folders.quarantine]
  return names.flatMap(name => places.map(folder => path.join(folder, `${name}.eml`))).filter(existsSync)
}
