// Bounce senders and regions that SES takes nothing from, whatever the mail: kept in the file, for whoever dispatches.
// Runs within the caller's transaction. What it can't tell from a fault of the mails expires at the worst; it never fails.

import { hasUnconfirmed, type Job } from '../job'
import type { StateChange } from '../store'
import type { Database, Row } from './database'
import { addEvent, text } from './rows'

/** So many mails refused in a row with the same error: it is not the mails. */
const IN_A_ROW = 5
/** The region as a whole. */
const ALL = ''

/** Until when the sender's jobs wait when it isn't the mail's fault, and until when the one that showed it. */
export interface Pauses {
  untilMs: number
  ownUntilMs: number
}

/**
 * Bounce senders of region ?1 that wait now, ?2, whose jobs must not have the calls of the others. A pause that ends
 * later than ?3 is left from before the clock was set back.
 */
export const WAITING_SENDERS =
  'SELECT bounce_sender FROM blocked WHERE region = ?1 AND until_ms > ?2 AND until_ms <= ?3'

export class Breaker {
  readonly #db: Database

  constructor(database: Database) {
    this.#db = database
  }

  /** When the first pause of a sender ends. Infinity: none waits. */
  untilMs(region: string, nowMs: number, latestMs: number): number {
    const row = this.#db.get(
      "SELECT MIN(until_ms) AS until FROM blocked WHERE region = ? AND bounce_sender <> '' AND until_ms > ? AND until_ms <= ?",
      region,
      nowMs,
      latestMs,
    )
    return typeof row?.['until'] === 'number' ? row['until'] : Number.POSITIVE_INFINITY
  }

  /** SES has made a bounce. */
  works({ region, bounceSender }: Job): StateChange[] {
    this.#db.run(
      'DELETE FROM refused WHERE region = ? AND bounce_sender = ? AND put_back = 0',
      region,
      bounceSender,
    )
    this.#db.run(
      `UPDATE job SET not_before_ms = 0 WHERE state = 'queued' AND not_before_ms > 0 AND seq IN
         (SELECT job FROM refused WHERE region = ? AND bounce_sender = ?)`,
      region,
      bounceSender,
    )
    return [...this.#unblock(region, ALL), ...this.#unblock(region, bounceSender)]
  }

  /** SES has said that it takes nothing from the sender, or in the region. */
  blocks(job: Job, scope: 'sender' | 'region', untilMs: number, detail: string): StateChange[] {
    const { region } = job
    const works = scope === 'sender' ? this.#unblock(region, ALL) : []
    return [...works, ...this.#block(region, scope === 'sender' ? job.bounceSender : ALL, untilMs, detail, 0)]
  }

  /** SES has refused the call. True: it isn't the mail, whose job is to be queued again. */
  refused(
    job: Job,
    row: Row,
    detail: string,
    pauses: Pauses,
    nowMs: number,
  ): { isPutBack: boolean; changes: StateChange[] } {
    const { region, bounceSender } = job
    const changes = this.#unblock(region, ALL)
    const blocked = this.#db.get(
      'SELECT by_refusals FROM blocked WHERE region = ? AND bounce_sender = ?',
      region,
      bounceSender,
    )
    if (hasUnconfirmed(job)) {
      // SES may not have had the recipient: that says nothing about the sender, and doesn't make a pause longer
      const isPutBack = blocked?.['by_refusals'] === 1 && !this.#wasPutBack(row)
      if (isPutBack) this.#waitOnce(job, row, detail, pauses)
      return { isPutBack, changes }
    }
    if (blocked?.['by_refusals'] === 1) {
      this.#note(job, row, detail, 1)
      changes.push(...this.#pause(job, row, detail, pauses))
      return { isPutBack: true, changes }
    }
    changes.push(...this.#unblock(region, bounceSender))
    // a call with several recipients is split first; a job has the benefit of the doubt once
    if (job.recipients.length > 1 || this.#wasPutBack(row)) return { isPutBack: false, changes }
    this.#note(job, row, detail, 0)
    if (this.#inARow(job) < IN_A_ROW) return { isPutBack: false, changes }
    this.#putBack(job, row, pauses, nowMs)
    changes.push(...this.#pause(job, row, `${IN_A_ROW} mails in a row were refused: ${detail}`, pauses))
    return { isPutBack: true, changes }
  }

  /** While the sender is paused, the refusal may be for the same reason as those of the others. */
  #waitOnce(job: Job, row: Row, detail: string, { ownUntilMs }: Pauses): void {
    this.#note(job, row, detail, 1)
    this.#db.run('UPDATE job SET not_before_ms = ? WHERE seq = ?', Math.round(ownUntilMs), row['seq'] ?? null)
  }

  #pause(job: Job, row: Row, detail: string, { untilMs, ownUntilMs }: Pauses): StateChange[] {
    const { region, bounceSender } = job
    this.#db.run('UPDATE job SET not_before_ms = ? WHERE seq = ?', Math.round(ownUntilMs), row['seq'] ?? null)
    // the next try is another mail's; when all have had theirs, it is that of the one whose try is the longest ago
    this.#db.run(
      `UPDATE job SET not_before_ms = ?1
       WHERE seq = (SELECT seq FROM refused JOIN job ON seq = job WHERE refused.region = ?2 AND refused.bounce_sender = ?3
           AND put_back = 1 AND state IN ('queued', 'sending') ORDER BY not_before_ms, deadline_ms, seq LIMIT 1)
         AND NOT EXISTS (SELECT 1 FROM job WHERE state = 'queued' AND region = ?2 AND bounce_sender = ?3
           AND seq NOT IN (SELECT job FROM refused WHERE put_back = 1))`,
      Math.round(untilMs),
      region,
      bounceSender,
    )
    return this.#block(region, bounceSender, untilMs, detail, 1)
  }

  /** The others of the row had failed already. */
  #putBack(job: Job, row: Row, { ownUntilMs }: Pauses, nowMs: number): void {
    const { region, bounceSender } = job
    this.#db.run(
      'UPDATE refused SET put_back = 1 WHERE region = ? AND bounce_sender = ?',
      region,
      bounceSender,
    )
    const failed = this.#db.all(
      `SELECT seq FROM refused JOIN job ON seq = job WHERE refused.region = ? AND refused.bounce_sender = ?
         AND state = 'failed' AND seq <> ?`,
      region,
      bounceSender,
      row['seq'] ?? null,
    )
    for (const { seq = null } of failed) {
      this.#db.run(
        "UPDATE job SET state = 'queued', not_before_ms = ?, changed_ms = ? WHERE seq = ?",
        Math.round(ownUntilMs),
        nowMs,
        seq,
      )
      addEvent(this.#db, seq, nowMs, 'put back', `other mails were refused alike: it isn't this one`)
    }
  }

  #note(job: Job, row: Row, detail: string, putBack: number): void {
    const { region, bounceSender } = job
    const error = errorOf(job, detail)
    if (putBack === 0) {
      this.#db.run(
        'DELETE FROM refused WHERE region = ? AND bounce_sender = ? AND put_back = 0 AND error <> ?',
        region,
        bounceSender,
        error,
      )
    }
    this.#db.run(
      'INSERT OR REPLACE INTO refused (job, region, bounce_sender, error, put_back) VALUES (?, ?, ?, ?, ?)',
      row['seq'] ?? null,
      region,
      bounceSender,
      error,
      putBack,
    )
  }

  #wasPutBack(row: Row): boolean {
    return (
      this.#db.get('SELECT 1 FROM refused WHERE job = ? AND put_back = 1', row['seq'] ?? null) !== undefined
    )
  }

  /** Of one mail that was split, all calls are refused when one is. */
  #inARow({ region, bounceSender }: Job): number {
    const row = this.#db.get(
      `SELECT COUNT(DISTINCT ses_id) AS n FROM refused JOIN job ON seq = job
       WHERE refused.region = ? AND refused.bounce_sender = ? AND put_back = 0`,
      region,
      bounceSender,
    )
    return Number(row?.['n'] ?? 0)
  }

  #block(
    region: string,
    bounceSender: string,
    untilMs: number,
    detail: string,
    byRefusals: number,
  ): StateChange[] {
    const before = this.#db.get(
      'SELECT 1 FROM blocked WHERE region = ? AND bounce_sender = ?',
      region,
      bounceSender,
    )
    this.#db.run(
      'INSERT OR REPLACE INTO blocked (region, bounce_sender, until_ms, by_refusals) VALUES (?, ?, ?, ?)',
      region,
      bounceSender,
      Math.round(untilMs),
      byRefusals,
    )
    return before ? [] : [{ region, ...senderOf(bounceSender), isPaused: true, detail }]
  }

  #unblock(region: string, bounceSender: string): StateChange[] {
    const gone = this.#db.run(
      'DELETE FROM blocked WHERE region = ? AND bounce_sender = ?',
      region,
      bounceSender,
    )
    return gone === 0 ? [] : [{ region, ...senderOf(bounceSender), isPaused: false }]
  }
}

/** What is blocked, and when the next try is. */
export function blockedNow(
  database: Database,
): { region: string; bounceSender?: string; nextTryMs: number }[] {
  const rows = database.all(
    'SELECT region, bounce_sender, until_ms FROM blocked ORDER BY region, bounce_sender',
  )
  return rows.map(row => ({
    region: text(row['region']),
    ...senderOf(text(row['bounce_sender'])),
    nextTryMs: Number(row['until_ms']),
  }))
}

function senderOf(bounceSender: string): { bounceSender?: string } {
  return bounceSender === ALL ? {} : { bounceSender }
}

/** SES's words without what they quote of the mail. */
function errorOf({ sesId, recipients }: Job, detail: string): string {
  const quoted = [sesId, ...recipients.map(({ address }) => address)].filter(text => text !== '')
  return quoted.reduce((text, part) => text.replaceAll(part, '...'), detail)
}
