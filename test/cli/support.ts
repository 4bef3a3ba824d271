// Haraka directories for the tests of commands, and what a command writes.
// Nothing is left behind once `removeDirectories` has run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Out } from '../../src/cli/out'
import { atEnd } from '../live/support/cleanup'

const made: string[] = []
atEnd(removeDirectories)

export function emptyDirectory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-cli-'))
  made.push(dir)
  return dir
}

/** `files`: in config/, by their names. */
export function harakaDirectory(files: Record<string, string | Buffer>): string {
  const dir = emptyDirectory()
  mkdirSync(path.join(dir, 'config'))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, 'config', name), text)
  return dir
}

export function removeDirectories(): void {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true })
}

export interface Ran {
  code: number
  lines: string[]
  errors: string[]
}

export async function ran(command: (out: Out) => Promise<number>): Promise<Ran> {
  const [lines, errors]: string[][] = [[], []]
  const code = await command({
    line: text => void lines?.push(text),
    error: text => void errors?.push(text),
  })
  return { code, lines: lines ?? [], errors: errors ?? [] }
}
