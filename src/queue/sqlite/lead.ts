// The lead of one dispatcher: one row that names its process. A dead process loses the lead at once, a silent one after
// a while. A process that has lost it is told so by every further change that it tries, in the same transaction.

import { QueueError } from '../../errors'
import type { MonoMs } from '../../units'
import { isAlive, type LeaseOwner } from '../lease-owner'
import type { Database, Row } from './database'
import { text } from './rows'

export class DispatcherLead {
  readonly #db: Database
  readonly #owner: LeaseOwner
  #wasTaken = false

  constructor(database: Database, owner: LeaseOwner) {
    this.#db = database
    this.#owner = owner
  }

  get bootId(): string {
    return this.#owner.bootId
  }

  /** Within the caller's transaction. The term; undefined: another process leads. */
  take(nowMonoMs: MonoMs, staleMs: number): number | undefined {
    const owner = this.#owner
    const row = this.#db.get('SELECT * FROM dispatcher')
    if (row && row['token'] !== owner.token && isHeld(row, owner, nowMonoMs, staleMs)) return undefined
    const term = Number(row?.['term'] ?? 0) + 1
    this.#wasTaken = true
    this.#db.run(
      `INSERT OR REPLACE INTO dispatcher (one, token, pid, pid_start, pid_space, boot_id, beat_mono_ms, term)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?)`,
      owner.token,
      owner.pid,
      owner.pidStart,
      owner.pidSpace,
      owner.bootId,
      nowMonoMs,
      term,
    )
    return term
  }

  /** Runs in the caller's transaction. */
  heartbeat(nowMonoMs: MonoMs): void {
    this.#db.run('UPDATE dispatcher SET beat_mono_ms = ?', nowMonoMs)
  }

  /** The last heartbeat stays, as workers read it. */
  giveUp(): void {
    if (!this.#wasTaken) return
    this.#db.write(() => this.#db.run("UPDATE dispatcher SET token = '' WHERE token = ?", this.#owner.token))
  }

  /** @throws QueueError QUEUE_LOCK_LOST */
  mustHold(): void {
    if (this.#db.get('SELECT token FROM dispatcher')?.['token'] !== this.#owner.token)
      throw new QueueError('QUEUE_LOCK_LOST', 'another dispatcher has the queue now')
  }
}

/** `row`: of the table dispatcher. `owner`: the process that asks. */
export function isHeld(row: Row, owner: LeaseOwner, nowMonoMs: MonoMs, staleMs: number): boolean {
  if (row['token'] === '' || row['boot_id'] !== owner.bootId) return false
  const isSeen = row['pid_space'] === owner.pidSpace
  if (isSeen && !isAlive(Number(row['pid']), text(row['pid_start']))) return false
  return nowMonoMs - Number(row['beat_mono_ms']) < staleMs
}
