// Makes folders for benchmarks in the system's folder for temporary files.
// They are removed when the run ends, unless by SIGKILL.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const made = new Set<string>()

process.once('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

export function makeFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'ses-bounce-bench-'))
  made.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  made.delete(folder)
}
