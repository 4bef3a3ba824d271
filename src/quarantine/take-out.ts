// Removes a mail from the quarantine for the recipients that it was held for. If bounces of others are still waiting,
// the mail goes back to `kept`. A crash between two steps leaves the mail in one of the folders.

import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { MailLedger } from '../queue/mail-ledger'
import { type MailFolders, recordOf } from './bring-in-order'
import { syncFolder } from './files'
import { writeRecord } from './keep'
import { removeKept } from './kept'
import type { QuarantineRecord } from './record'

export type TakenOut = 'removed' | 'stays' | 'not there'

/** `record`: its state when the mail was released or deleted. Recipients added since then stay. @throws QueueError */
export async function takeOut(
  folders: MailFolders,
  name: string,
  record: QuarantineRecord | undefined,
  ledger: Pick<MailLedger, 'letGo' | 'gone' | 'putBack'>,
): Promise<TakenOut> {
  const isNeeded = await ledger.letGo(
    name,
    record?.held.map(({ recipient }) => recipient),
    Date.now(),
  )
  if (!isNeeded) {
    const wasThere = await removeKept(folders.quarantine, name)
    if (wasThere) await ledger.gone({ place: 'quarantine', name })
    return wasThere ? 'removed' : 'not there'
  }
  const now = await recordOf(folders, 'quarantine', name)
  const isTakenOut = (recipient: string) => record?.held.some(one => one.recipient === recipient) ?? true
  const held = now?.held.filter(({ recipient }) => !isTakenOut(recipient)) ?? []
  if (now !== undefined && held.length > 0) await writeRecord(folders.quarantine, name, { ...now, held })
  else await putBack(folders, name, now)
  if (held.length === 0) await ledger.putBack(name)
  return 'stays'
}

/** Moves the files in the order of `recordOf`, as a mail without a record could not be released later. */
async function putBack(
  folders: MailFolders,
  name: string,
  record: QuarantineRecord | undefined,
): Promise<void> {
  await mkdir(folders.kept, { recursive: true, mode: 0o700 })
  if (record !== undefined) await writeRecord(folders.kept, name, { ...record, held: [] })
  await rm(path.join(folders.quarantine, `${name}.json`), { force: true })
  await rename(path.join(folders.quarantine, `${name}.eml`), path.join(folders.kept, `${name}.eml`))
  await syncFolder(folders.kept)
}
