// Locks that processes hold on a file, by /proc. Linux only.

import { readFileSync, statSync } from 'node:fs'

/** proc(5), /proc/locks: `1: POSIX  ADVISORY  READ 30253 fe:00:4252568 128 128` */
const LOCK = /^\d+: POSIX +\S+ +(\S+) (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) (\d+) /

export interface FileLock {
  kind: string
  firstByte: number
}

export function locksOn(file: string, pid: number): FileLock[] {
  const inode = String(statSync(file).ino)
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .flatMap(line => {
      const [, kind, owner, held, firstByte] = LOCK.exec(line) ?? []
      return kind !== undefined && owner === String(pid) && held === inode
        ? [{ kind, firstByte: Number(firstByte) }]
        : []
    })
}
