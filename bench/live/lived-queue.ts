// A queue file in the middle of a bad day: a day of jobs waits in two regions, and jobs end as fast as SES allows.
// Made from a full one by changing its rows, in some seconds. Throws if the file isn't as expected.

import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { COUNTED } from '../../src/queue/counters'
import { forecastSpacingMs } from '../../src/queue/forecast'
import { Database } from '../../src/queue/sqlite/database'
import { openCounterStore } from '../../src/queue/sqlite/open'
import { makeFolder } from './folder'
import { queueWith, withoutTriggers } from './full-queue'
import { REGION } from './jobs'

export const OTHER_REGION = 'us-east-1'
/** The sender with the most bounces, and the recipient of most mail. */
export const OFTEN = { sender: 'news@bulk.example', recipient: 'gone@example.com' }
/** One in so many jobs has them. */
const OFTEN_EACH = 3
/** One in so many jobs has ended, and one in so many of those has failed. */
const ENDED_EACH = 5
const FAILED_EACH = 8
const RULES = 300

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** The period that the page shows. */
const ENDING_MS = 180 * MINUTE_MS

/** Makes a file with so many jobs, all added within the last day. */
export function livedQueue(jobs: number, file: string, nowMs: number): void {
  const full = path.join(makeFolder(), 'queue.sqlite')
  queueWith(jobs, full)
  count(full, nowMs)
  const database = new Database(full, { busyMs: 0, create: false })
  try {
    live(database, jobs, nowMs)
    const ended = database.get("SELECT SUM(jobs) AS jobs FROM job_count WHERE state <> 'queued'")?.['jobs']
    if (ended !== Math.floor(jobs / ENDED_EACH)) throw new Error(`${ended} of ${jobs} jobs have ended`)
    database.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    database.close()
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  copyFileSync(full, file)
}

function live(database: Database, jobs: number, nowMs: number): void {
  const made = `${nowMs - DAY_MS} + seq * ${DAY_MS / jobs}`
  const ended = Math.floor(jobs / ENDED_EACH)
  database.run('INSERT OR IGNORE INTO region (name) SELECT ? FROM region', OTHER_REGION)
  withoutTriggers(database, () => {
    // as the dispatcher sets it
    database.run(`UPDATE region SET spacing_ms = ${forecastSpacingMs({ intervalMs: 1000, slackMs: 5 })}`)
    database.run(`UPDATE job SET sender = 'writer@origin' || seq || '.example', sender_key = 'writer@origin' || seq || '.example',
      sender_domain = 'origin' || seq || '.example', created_ms = ${made}, changed_ms = ${made}, received_ms = ${made} - ${MINUTE_MS},
      deadline_ms = ${made} + ${DAY_MS}, region = iif(seq % 2 = 0, '${REGION}', '${OTHER_REGION}')`)
    database.run(`UPDATE job SET sender = '${OFTEN.sender}', sender_key = '${OFTEN.sender}', sender_domain = 'bulk.example'
      WHERE seq % ${OFTEN_EACH} = 0`)
    database.run(`UPDATE recipient SET address = '${OFTEN.recipient}', address_key = '${OFTEN.recipient}'
      WHERE job % ${OFTEN_EACH} = 1`)
    database.run(
      `UPDATE recipient SET rule = 'rule-' || (job % ${RULES}), added_ms = (SELECT created_ms FROM job WHERE seq = job)`,
    )
    database.run(`UPDATE job SET state = iif(seq % ${FAILED_EACH} = 0, 'failed', 'sent'), tries = 1,
      changed_ms = ${nowMs - ENDING_MS} + seq * ${ENDING_MS / ended}, reason = 'taken by SES',
      message_id = '0102' || substr(ses_id, 1, 40) WHERE seq <= ${ended}`)
    for (const [what, detail] of [
      ['claimed', 'starts in 0 ms'],
      ['sent', 'taken by SES'],
    ] as const)
      database.run(
        `INSERT INTO event SELECT seq, changed_ms, ?, ? FROM job WHERE state IN ('sent', 'failed')`,
        what,
        detail,
      )
  })
}

/** Adds counts as workers and the dispatcher flush them. */
function count(file: string, nowMs: number): void {
  const store = openCounterStore(file)
  const rules = Array.from({ length: RULES }, (_, number) => `rule-${number}`)
  store.add({
    sums: rules.map((rule, value) => ({
      name: COUNTED.decisions,
      labels: { rule, action: 'bounce', mode: 'enforce' },
      value,
    })),
    hits: rules.map((rule, hits) => ({ rule, hits, lastMs: nowMs - hits * MINUTE_MS })),
    decisions: rules.map((rule, number) => ({
      atMs: nowMs - (RULES - number) * 1000,
      sesId: `mail-${number}`,
      recipient: `box${number}@example.com`,
      rule,
      action: 'bounce',
      isObserved: false,
    })),
    onlyRecipients: [],
    reloads: [{ atMs: nowMs - DAY_MS, state: 'first', errors: [] }],
  })
  store.close()
}
