// Reads mail in the quarantine. A record that can't be read is undefined; its mail can still be shown and deleted.
// Faults of the store throw.

import { buffer } from 'node:stream/consumers'
import { readHeader } from '../mail/header'
import type { EpochMs } from '../units'
import type { MailStore } from './mail-store'
import { isName } from './names'
import type { QuarantineRecord } from './record'

export interface Kept {
  /** Its name. */
  id: string
  /** The place of the mail, for people. */
  location: string
  sizeBytes: number
  keptAtMs: EpochMs
  record: QuarantineRecord | undefined
}

/** Enough for the fields that are shown. */
const HEADER_BYTES = 64 * 1024

/** Undefined: there is no such mail. */
export async function readKept(store: MailStore, id: string): Promise<Kept | undefined> {
  if (!isName(id)) return undefined
  const found = await store.stat('quarantine', id)
  if (found === undefined) return undefined
  const record = (await store.record('quarantine', id))?.record
  const location = store.locationOf('quarantine', id)
  return { id, location, sizeBytes: found.sizeBytes, keptAtMs: found.atMs, record }
}

/** The decoded values of each header field, top down. */
export async function headerOf(store: MailStore, id: string): Promise<(name: string) => readonly string[]> {
  const bytes = await buffer(store.read('quarantine', id, HEADER_BYTES))
  const lines = bytes.toString('utf8').split('\n')
  const end = lines.findIndex(line => line === '' || line === '\r')
  const header = lines.slice(0, end < 0 ? undefined : end).map(line => `${line}\n`)
  const { facts } = await readHeader(header, 0)
  return name => facts.values(name)
}
