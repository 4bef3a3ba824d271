// Writes a mail to disk: the raw mail as NAME.eml, its record as NAME.json.
// Both are on disk when `keepMail` resolves; when it rejects, neither is left.

import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream, realpathSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Writable } from 'node:stream'
import { asError } from '../errors'
import { formatRecord, type QuarantineRecord } from './record'

export type { QuarantineRecord } from './record'

/** Below the 30 s that Haraka gives a plugin. If the peer has disconnected, the stream may never end. */
const LONGEST_WRITE_MS = 25_000

/** The folder for mail that the policy quarantined. */
export function quarantineFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'quarantine')
}

/** The folder for mail that waits until SES has made its bounces. */
export function keptFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'kept')
}

/** The folder above both, by the same name in all processes. */
export function mailHome(harakaDir: string): string {
  const home = path.join(harakaDir, 'ses-bounce')
  try {
    return realpathSync(home)
  } catch {
    return path.resolve(home)
  }
}

/** The name of a mail's files, without endings. `identity`: equal when the relay delivers the same mail again. */
export function nameOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 24)
}

/**
 * @param identity as `nameOf` takes it
 * @param pipeRaw writes the raw mail to the stream and ends it
 * @returns the path of the .eml file
 */
export async function keepMail(
  folder: string,
  identity: string,
  record: QuarantineRecord,
  pipeRaw: (to: Writable) => void,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = nameOf(identity)
  const unfinished = path.join(folder, `.${name}-${randomUUID()}`)
  const eml = path.join(folder, `${name}.eml`)
  try {
    // in parallel, so that the file system can combine the two flushes
    await allDone([
      writeRaw(`${unfinished}.eml`, pipeRaw),
      writeFlushed(`${unfinished}.json`, formatRecord(record)),
    ])
    await rename(`${unfinished}.json`, path.join(folder, `${name}.json`))
    await rename(`${unfinished}.eml`, eml)
    await syncFolder(folder)
  } catch (error) {
    await rm(`${unfinished}.eml`, { force: true })
    await rm(`${unfinished}.json`, { force: true })
    throw error
  }
  return eml
}

/** Replaces the record of a mail; it is on disk when the promise resolves. */
export async function writeRecord(folder: string, name: string, record: QuarantineRecord): Promise<void> {
  const unfinished = path.join(folder, `.${name}-${randomUUID()}.json`)
  try {
    await writeFlushed(unfinished, formatRecord(record))
    await rename(unfinished, path.join(folder, `${name}.json`))
    await syncFolder(folder)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** A rename is durable only after its folder was flushed (fsync(2)). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Waits for all of them before it rejects. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

function writeRaw(file: string, pipeRaw: (to: Writable) => void): Promise<void> {
  // flush: fsync before it closes (Node.js: fs.createWriteStream)
  const stream = createWriteStream(file, { mode: 0o600, flags: 'wx', flush: true })
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

async function writeFlushed(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
