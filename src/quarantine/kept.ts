// Lists, reads and removes mail in the quarantine. The .eml file decides whether a mail is there.
// A record that can't be read is undefined; its mail can still be shown and deleted. Faults of the disk throw.

import { open, readdir, readFile, rm, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { readHeader } from '../mail/header'
import type { EpochMs } from '../units'
import { parseRecord, type QuarantineRecord } from './record'

export interface Kept {
  /** The name of its files, without ending. */
  id: string
  eml: string
  sizeBytes: number
  keptAtMs: EpochMs
  record: QuarantineRecord | undefined
}

/** The names that `keepMail` gives; no other text is used as a path. */
const ID = /^[0-9a-f]{24}$/
/** Enough for the fields that are shown. */
const HEADER_BYTES = 64 * 1024

export function isId(text: string): boolean {
  return ID.test(text)
}

/** Latest first; empty where there is no quarantine yet. */
export async function keptIds(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(missingAs([]))
  const ids = names.filter(name => name.endsWith('.eml')).map(name => name.slice(0, -'.eml'.length))
  const times: { id: string; ms: number }[] = []
  for (const id of ids.filter(isId)) {
    const found = await stat(path.join(folder, `${id}.eml`)).catch(missingAs(undefined))
    if (found) times.push({ id, ms: found.mtimeMs })
  }
  return times.toSorted((a, b) => b.ms - a.ms || (a.id < b.id ? -1 : 1)).map(({ id }) => id)
}

/** Undefined: there is no such mail. */
export async function readKept(folder: string, id: string): Promise<Kept | undefined> {
  if (!isId(id)) return undefined
  const eml = path.join(folder, `${id}.eml`)
  const found = await stat(eml).catch(missingAs(undefined))
  if (found === undefined) return undefined
  const text = await readFile(path.join(folder, `${id}.json`), 'utf8').catch(missingAs(''))
  return { id, eml, sizeBytes: found.size, keptAtMs: found.mtimeMs, record: parseRecord(text) }
}

/** False: there is no such mail. */
export async function removeKept(folder: string, id: string): Promise<boolean> {
  if (!isId(id)) return false
  try {
    // the mail before its record, as a record alone counts for nothing
    await unlink(path.join(folder, `${id}.eml`))
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  await rm(path.join(folder, `${id}.json`), { force: true })
  return true
}

/** The decoded values of each header field, top down. */
export async function headerOf(eml: string): Promise<(name: string) => readonly string[]> {
  const handle = await open(eml, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n')
    const end = lines.findIndex(line => line === '' || line === '\r')
    const header = lines.slice(0, end < 0 ? undefined : end).map(line => `${line}\n`)
    const { facts } = await readHeader(header, 0)
    return name => facts.values(name)
  } finally {
    await handle.close()
  }
}

function missingAs<T>(value: T): (error: unknown) => T {
  return error => {
    if (isMissing(error)) return value
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
