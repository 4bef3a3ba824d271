// Surges of refusals that go on, one file each, so that all processes of Haraka and the command line know them.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface SurgeRecord {
  /** The plugin that refuses. */
  by: string
  stage: string
  /** ISO 8601. */
  since: string
  /** `20 of the last 24 recipients` */
  share: string
}

export function surgeFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'surges')
}

export class SurgeFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  isOn(by: string): boolean {
    return existsSync(this.#file(by))
  }

  start(record: SurgeRecord): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const file = this.#file(record.by)
    const unfinished = `${file}.${process.pid}`
    writeFileSync(unfinished, `${JSON.stringify(record)}\n`, { mode: 0o600 })
    renameSync(unfinished, file)
  }

  end(by: string): void {
    rmSync(this.#file(by), { force: true })
  }

  /** All surges on record. It leaves out files that can't be read. */
  all(): SurgeRecord[] {
    let names: string[]
    try {
      names = readdirSync(this.#folder)
    } catch {
      return []
    }
    return names
      .filter(name => name.endsWith('.json'))
      .flatMap(name => parseRecord(path.join(this.#folder, name)) ?? [])
      .toSorted((a, b) => (a.by < b.by ? -1 : 1))
  }

  /** A plugin's name may hold a slash. */
  #file(by: string): string {
    const name = createHash('sha256').update(by).digest('hex').slice(0, 24)
    return path.join(this.#folder, `${name}.json`)
  }
}

function parseRecord(file: string): SurgeRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value !== 'object' || value === null) return undefined
    const { by, stage, since, share } = value as Record<keyof SurgeRecord, unknown>
    const isWhole = [by, stage, since, share].every(one => typeof one === 'string')
    return isWhole ? (value as SurgeRecord) : undefined
  } catch {
    return undefined
  }
}
