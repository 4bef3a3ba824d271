// Attacks on the queue's file: another program that writes to it, and a disk without room.
// The file itself isn't touched; whatever was filled or locked is free when the attack is over.

import { rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../../../src/queue/sqlite/database'
import { fill } from './disk'

/** An aim that finds no target for so long is given up. */
export const AIM_MS = 3000
/** An aim is taken again after this. */
export const AGAIN_MS = 5

/** Undefined: it can't be opened now. */
export function open(queueFile: string): Database | undefined {
  try {
    return new Database(queueFile, { busyMs: 0, create: false })
  } catch {
    return undefined
  }
}

/** Until it is over, `disk` has no room; undefined: there is none that may be filled. */
export async function fillDisk(disk: string | undefined, forMs: number): Promise<boolean> {
  if (disk === undefined) return false
  const filler = path.join(disk, 'filler')
  const endMs = performance.now() + forMs
  // a checkpoint may give room back: it is taken again
  while (performance.now() < endMs) {
    fill(filler)
    await pause(Math.min(50, forMs))
  }
  rmSync(filler, { force: true })
  return true
}

/** Locks the file like another program that has it open. */
export async function lock(queueFile: string, forMs: number): Promise<boolean> {
  const endMs = performance.now() + AIM_MS
  while (performance.now() < endMs) {
    const database = open(queueFile)
    try {
      database?.script('BEGIN IMMEDIATE')
      if (database === undefined) continue
      await pause(forMs)
      database.script('ROLLBACK')
      return true
    } catch {
      // somebody else is writing
    } finally {
      database?.close()
      await pause(AGAIN_MS)
    }
  }
  return false
}
