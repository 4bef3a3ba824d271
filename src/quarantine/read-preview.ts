// The preview of a mail in the quarantine: its beginning is read from the store, and a thread makes it readable.

import { buffer } from 'node:stream/consumers'
import type { Preview } from '../mail/preview'
import { WorkerThreadError, type WorkerThreads } from '../worker-thread/worker-threads'
import type { Kept } from './kept'
import type { MailStore } from './mail-store'

/** The first bytes of a mail that are read. Most mails have their text first, before attachments. */
const PREVIEW_BYTES = 1024 ** 2
/** Some ten pages. */
const PREVIEW_CHARACTERS = 20_000
/** Enough for the subject. */
const HEADER_BYTES = 64 * 1024

/** Rejects with faults of the store. A mail that takes too long has no text. */
export async function previewOf(
  store: MailStore,
  kept: Pick<Kept, 'id' | 'sizeBytes'>,
  threads: Pick<WorkerThreads, 'preview'>,
): Promise<Preview> {
  try {
    return await read(store, kept, threads, { bytes: PREVIEW_BYTES, limitCharacters: PREVIEW_CHARACTERS })
  } catch (error) {
    const fault =
      error instanceof WorkerThreadError
        ? error.message
        : (await store.has('quarantine', kept.id))
          ? undefined
          : 'the mail has left the quarantine meanwhile'
    if (fault === undefined) throw error
    return { header: [], texts: [], attachments: [], isCut: true, fault }
  }
}

/** Undefined: it has none, or it can't be read. Never rejects. */
export async function subjectOf(
  store: MailStore,
  kept: Pick<Kept, 'id' | 'sizeBytes'>,
  threads: Pick<WorkerThreads, 'preview'>,
): Promise<string | undefined> {
  try {
    const { header } = await read(store, kept, threads, { bytes: HEADER_BYTES, limitCharacters: 0 })
    return header.find(({ name }) => name === 'Subject')?.value
  } catch {
    return undefined
  }
}

async function read(
  store: MailStore,
  { id, sizeBytes }: Pick<Kept, 'id' | 'sizeBytes'>,
  threads: Pick<WorkerThreads, 'preview'>,
  { bytes, limitCharacters }: { bytes: number; limitCharacters: number },
): Promise<Preview> {
  // a copy of its own, as it is moved to the thread
  const raw = new Uint8Array(await buffer(store.read('quarantine', id, bytes)))
  return threads.preview(raw, { limitCharacters, isBeginning: sizeBytes > raw.length })
}
