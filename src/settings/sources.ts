// The texts that a configuration is made of: from Haraka's config directory, or from a saved snapshot of one.
// A missing file is undefined; one that can't be read is a finding, so that all faults are shown together.

import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Finding } from './findings'

export interface Sources {
  /** Text of a file in the directory; undefined: there is none, or it can't be read. */
  read(name: string): string | undefined
}

/** A file that was asked for. */
export interface Read {
  text: string | undefined
  /** Of the file just before it was read: `signatureOf` gives another one when it has changed since. */
  signature: string
}

export interface FileSources extends Sources {
  files(): ReadonlyMap<string, Read>
  faults: Finding[]
}

/** A list of a million addresses is far below it. */
const LARGEST_BYTES = 50 * 1024 ** 2

export function fileSources(folder: string): FileSources {
  const files = new Map<string, Read>()
  const faults: Finding[] = []
  return {
    faults,
    files: () => files,
    read: name => {
      const known = files.get(name)
      if (known) return known.text
      if (path.isAbsolute(name) || path.normalize(name).startsWith('..')) {
        const message = "a file outside Haraka's config directory can't be used"
        faults.push({ severity: 'error', file: name, line: 0, message })
        return undefined
      }
      const read = readOne(folder, name, message => {
        faults.push({ severity: 'error', file: name, line: 0, message })
      })
      files.set(name, read)
      return read.text
    },
  }
}

/** Links are followed, so that a Kubernetes ConfigMap, which swaps one, is seen to change. */
export function signatureOf(stats: { mtimeMs: number; size: number; ino: number }): string {
  return `${stats.mtimeMs}:${stats.size}:${stats.ino}`
}

export function signatureOfFault(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

export function snapshotSources(texts: Readonly<Record<string, string>>): Sources {
  return { read: name => (Object.hasOwn(texts, name) ? texts[name] : undefined) }
}

function readOne(folder: string, name: string, fault: (message: string) => void): Read {
  const file = path.join(folder, name)
  try {
    const stats = statSync(file)
    const signature = signatureOf(stats)
    if (stats.size <= LARGEST_BYTES) return { text: readFileSync(file, 'utf8'), signature }
    fault(`the file is larger than ${LARGEST_BYTES / 1024 ** 2} MB`)
    return { text: undefined, signature }
  } catch (error) {
    const code = signatureOfFault(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') fault(`the file can't be read (${code})`)
    return { text: undefined, signature: code }
  }
}
