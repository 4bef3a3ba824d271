// Writes a mail to disk: the raw mail as NAME.eml, its record as NAME.json.
// Both are on disk when `writeMail` resolves; when it rejects, neither is left.

import { randomUUID } from 'node:crypto'
import { closeSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Writable } from 'node:stream'
import { asError } from '../errors'
import { FileWriter, flush, openNew, openWith, syncFolder } from './files'
import { formatRecord, type QuarantineRecord } from './record'

/** Below the 30 s that Haraka gives a plugin. If the peer has disconnected, the stream may never end. */
const LONGEST_WRITE_MS = 25_000

/**
 * Replaces a mail of that name.
 * @param pipeRaw writes the raw mail to the stream and ends it
 */
export function writeMail(
  folder: string,
  name: string,
  record: QuarantineRecord,
  pipeRaw: (to: Writable) => void,
): Promise<void> {
  const unfinished = path.join(folder, `.${name}-${randomUUID()}`)
  return putInPlace(folder, name, unfinished, ['json', 'eml'], async opened => {
    const eml = openNew(`${unfinished}.eml`)
    opened.push(eml)
    await receive(eml, pipeRaw)
    opened.push(openWith(`${unfinished}.json`, formatRecord(record)))
  })
}

/** Replaces the record of a mail; it is on disk when the promise resolves. */
export function writeRecord(folder: string, name: string, record: QuarantineRecord): Promise<void> {
  const unfinished = path.join(folder, `.${name}-${randomUUID()}`)
  return putInPlace(folder, name, unfinished, ['json'], opened => {
    opened.push(openWith(`${unfinished}.json`, formatRecord(record)))
  })
}

/**
 * Flushes the files that `write` opens, and renames them in the order of `endings`; a fault leaves none of them.
 * Flushes at the same time are one for the file system.
 */
async function putInPlace(
  folder: string,
  name: string,
  unfinished: string,
  endings: readonly ('eml' | 'json')[],
  write: (opened: number[]) => void | Promise<void>,
): Promise<void> {
  const opened: number[] = []
  try {
    try {
      await write(opened)
      await allDone(opened.map(flush))
    } finally {
      for (const descriptor of opened) closeSync(descriptor)
    }
    for (const ending of endings)
      renameSync(`${unfinished}.${ending}`, path.join(folder, `${name}.${ending}`))
    await syncFolder(folder)
  } catch (error) {
    for (const ending of endings) rmSync(`${unfinished}.${ending}`, { force: true })
    throw error
  }
}

/** Waits for all of them before it rejects. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

function receive(descriptor: number, pipeRaw: (to: Writable) => void): Promise<void> {
  const stream = new FileWriter(descriptor)
  return new Promise((resolve, reject) => {
    let fault: Error | undefined
    const timer = setTimeout(() => stream.destroy(new Error("the mail didn't end in time")), LONGEST_WRITE_MS)
    stream.once('error', error => {
      fault = error
    })
    // only now is it certain that no write follows, so the file can be removed
    stream.once('close', () => {
      clearTimeout(timer)
      if (fault === undefined && stream.writableFinished) resolve()
      else reject(fault ?? new Error('the stream of the mail ended early'))
    })
    try {
      pipeRaw(stream)
    } catch (error) {
      stream.destroy(asError(error))
    }
  })
}
