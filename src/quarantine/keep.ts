// Keeps a mail that policy held back: the raw mail as NAME.eml, what is known of it as NAME.json.
// Both are on disk when `keepMail` resolves; when it rejects, nothing is left that looks kept.

import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Writable } from 'node:stream'

/** Below the 30 s that Haraka gives a plugin. A stream whose peer has hung up may never end. */
const LONGEST_WRITE_MS = 25_000

export interface QuarantineRecord {
  quarantinedAt: string
  envelope: { sender: string; recipients: string[]; relayIp: string }
  /** Recipients that were held back, and why. */
  held: { recipient: string; rule: string; reason: string }[]
  receipt: unknown
}

/** Where a Haraka directory keeps them. */
export function quarantineFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'quarantine')
}

/**
 * @param identity what makes the mail and these recipients the same when the relay delivers them again
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
  const name = createHash('sha256').update(identity).digest('hex').slice(0, 24)
  const passing = path.join(folder, `.${name}-${randomUUID()}`)
  const eml = path.join(folder, `${name}.eml`)
  try {
    await writeRaw(`${passing}.eml`, pipeRaw)
    await writeText(`${passing}.json`, `${JSON.stringify(record, null, 2)}\n`)
    await rename(`${passing}.json`, path.join(folder, `${name}.json`))
    await rename(`${passing}.eml`, eml)
    await syncFolder(folder)
  } catch (error) {
    await rm(`${passing}.eml`, { force: true })
    await rm(`${passing}.json`, { force: true })
    throw error
  }
  return eml
}

function writeRaw(file: string, pipeRaw: (to: Writable) => void): Promise<void> {
  // flush: fsync before it closes (Node.js: fs.createWriteStream)
  const stream = createWriteStream(file, { mode: 0o600, flags: 'wx', flush: true })
  return new Promise((resolve, reject) => {
    let fault: Error | undefined
    const timer = setTimeout(
      () => stream.destroy(new Error("the mail didn't come to its end")),
      LONGEST_WRITE_MS,
    )
    stream.once('error', error => {
      fault = error
    })
    // only now is the file made or given up for sure, so that it can be removed
    stream.once('close', () => {
      clearTimeout(timer)
      if (fault === undefined && stream.writableFinished) resolve()
      else reject(fault ?? new Error('the mail ended before its end'))
    })
    try {
      pipeRaw(stream)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

async function writeText(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A rename is durable when its folder is (fsync(2)). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
