// The texts of a configuration's files, from Haraka's config directory or from a saved snapshot.
// A missing file is undefined; a file that can't be read is undefined, with a diagnostic, so that all faults are shown.

import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { errorMessage } from '../errors'
import type { Diagnostic } from './diagnostics'

export interface Sources {
  /** The text of a file, by its name in the directory. Repeated calls return the same text. */
  read(name: string): string | undefined
  /** The files that were asked for within the directory, missing ones included. */
  seen(): readonly Source[]
  readonly faults: readonly Diagnostic[]
}

export interface Source {
  name: string
  text: string | undefined
  /** The result of `signatureOf` just before the file was read. */
  signature: string
  /** The reason why there is no text, unless the file is missing. */
  fault?: string
}

/** The largest file: a list of a million addresses is far smaller. */
const LARGEST_BYTES = 50 * 1024 ** 2

/** Reads synchronously: for boot and reload. */
export function createSources(configDir: string): Sources {
  const sources = new Map<string, Source>()
  const faults: Diagnostic[] = []
  const report = (severity: Diagnostic['severity'], file: string, message: string) =>
    faults.push({ severity, file, line: 0, message })
  return {
    faults,
    seen: () => [...sources.values()],
    read(name) {
      const known = sources.get(name)
      if (known) return known.text
      if (!isInside(name)) {
        report('error', name, "a file outside Haraka's config directory can't be used")
        return undefined
      }
      const source = readSource(configDir, name, message => report('warning', name, message))
      sources.set(name, source)
      if (source.fault !== undefined) report('error', name, source.fault)
      return source.text
    },
  }
}

export function snapshotSources(texts: Readonly<Record<string, string>>): Sources {
  const read = (name: string) => (Object.hasOwn(texts, name) ? texts[name] : undefined)
  return {
    faults: [],
    seen: () => Object.keys(texts).map(name => ({ name, text: read(name), signature: 'snapshot' })),
    read,
  }
}

/** Includes the diagnostics of the files; in the order in which they were asked for. */
export function allDiagnostics(sources: Sources, found: readonly Diagnostic[]): Diagnostic[] {
  const all = [...sources.faults, ...found]
  const names = new Set([...sources.seen().map(({ name }) => name), ...all.map(({ file }) => file)])
  return [...names].flatMap(name => all.filter(({ file }) => file === name))
}

/**
 * Differs when a file may have changed. It describes a link's target, to notice a Kubernetes ConfigMap, which swaps
 * links, and holds ctime, to notice a changed mode.
 */
export function signatureOf(stats: { mtimeMs: number; ctimeMs: number; size: number; ino: number }): string {
  return [stats.mtimeMs, stats.ctimeMs, stats.size, stats.ino].join(':')
}

/** The signature of a file that can't be examined. */
export function signatureOfFault(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : errorMessage(error)
}

/** Windows editors call UTF-16 "Unicode", and begin the file with a byte order mark (RFC 2781 section 3.2). */
function isUtf16(bytes: Buffer): boolean {
  return ['fffe', 'feff'].includes(bytes.toString('hex', 0, 2))
}

function isInside(name: string): boolean {
  if (name === '' || name.includes('\0') || path.isAbsolute(name)) return false
  return !name.split(/[/\\]/).includes('..')
}

function readSource(configDir: string, name: string, warn: (message: string) => void): Source {
  const file = path.join(configDir, name)
  let signature: string | undefined
  try {
    const stats = statSync(file)
    signature = signatureOf(stats)
    const none = { name, text: undefined, signature }
    // opening a pipe would wait for its writer
    if (!stats.isFile()) return { ...none, fault: 'this is not a file' }
    if (stats.size > LARGEST_BYTES)
      return { ...none, fault: `the file is larger than ${LARGEST_BYTES / 1024 ** 2} MB` }
    const bytes = readFileSync(file)
    if (isUtf16(bytes)) return { ...none, fault: 'the file is UTF-16; save it as UTF-8' }
    if (!isUtf8(bytes)) warn("the file isn't UTF-8; letters other than ASCII can't be read")
    return { name, text: bytes.toString('utf8').replace(/^\uFEFF/, ''), signature }
  } catch (error) {
    const code = signatureOfFault(error)
    const source = { name, text: undefined, signature: signature ?? code }
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR'
    return isMissing ? source : { ...source, fault: `the file can't be read (${code})` }
  }
}
