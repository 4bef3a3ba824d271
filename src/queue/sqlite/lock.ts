// The dispatcher's lock: one row that names its holder. A dead holder loses it at once, a silent one after a while.
// Whoever has lost it is told so by every further change it tries, in the same transaction.

import { QueueError } from '../../errors'
import type { LeaseOwner } from '../store'
import type { Database, Row } from './database'
import { isAlive } from './lease-owner'
import { text } from './rows'

export class DispatcherLock {
  readonly #db: Database
  #holder: LeaseOwner | undefined

  constructor(database: Database) {
    this.#db = database
  }

  /** Of the boot in which the lock was taken. */
  get bootId(): string {
    return this.#holder?.bootId ?? ''
  }

  take(holder: LeaseOwner, nowMonoMs: number, staleMs: number): boolean {
    return this.#db.write(() => {
      const row = this.#db.get('SELECT * FROM dispatcher')
      if (row && row['token'] !== holder.token && holds(row, holder, nowMonoMs, staleMs)) return false
      this.#db.run(
        `INSERT OR REPLACE INTO dispatcher (one, token, pid, pid_start, pid_space, boot_id, beat_mono_ms)
         VALUES (1, ?, ?, ?, ?, ?, ?)`,
        holder.token,
        holder.pid,
        holder.pidStart,
        holder.pidSpace,
        holder.bootId,
        nowMonoMs,
      )
      this.#holder = holder
      return true
    })
  }

  heartbeat(nowMonoMs: number): void {
    this.#db.writeAndCheckpoint(() => {
      this.mustHold()
      this.#db.run('UPDATE dispatcher SET beat_mono_ms = ?', nowMonoMs)
    })
  }

  giveBack(): void {
    const token = this.#holder?.token
    this.#holder = undefined
    if (token === undefined) return
    // the last sign of life stays, for workers to see
    this.#db.write(() => this.#db.run("UPDATE dispatcher SET token = '' WHERE token = ?", token))
  }

  /** @throws QueueError LOCK_LOST */
  mustHold(): void {
    const row = this.#db.get('SELECT token FROM dispatcher')
    if (this.#holder === undefined || row?.['token'] !== this.#holder.token) {
      throw new QueueError('QUEUE_LOCK_LOST', 'another dispatcher has taken over the queue')
    }
  }
}

function holds(row: Row, asker: LeaseOwner, nowMonoMs: number, staleMs: number): boolean {
  if (row['token'] === '') return false
  if (row['boot_id'] !== asker.bootId) return false
  if (row['pid_space'] === asker.pidSpace && !isAlive(Number(row['pid']), text(row['pid_start'])))
    return false
  return nowMonoMs - Number(row['beat_mono_ms']) < staleMs
}
