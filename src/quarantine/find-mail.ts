// Finds the raw mail of a job, for `queue show`, the API and the status page.

import type { Job } from '../queue/job'
import { MAIL_PLACES } from '../queue/mail-ledger'
import type { MailStore } from './mail-store'

/**
 * Where its mail is. Several: its recipients came in several transactions. None: SES made all bounces, or it wasn't
 * kept.
 */
export async function findMail(
  { recipients }: Pick<Job, 'recipients'>,
  store: Pick<MailStore, 'has' | 'locationOf'>,
): Promise<string[]> {
  const found: string[] = []
  for (const name of new Set(recipients.flatMap(({ kept }) => kept ?? [])))
    for (const place of MAIL_PLACES)
      if (await store.has(place, name)) found.push(store.locationOf(place, name))
  return found
}
