// Queue files as each earlier version of the product left them, with something in every table that it had.
// Plain SQL: the code that wrote them is no longer there.

import Driver from 'libsql'
import { migrate } from '../../src/queue/sqlite/schema'

/** Those that the product has by now; step n leads to version n + 1. */
export const STEPS = allSteps()

export const DAY_MS = 86_400_000
export const REGION = 'eu-west-1'
/** By hand, in versions that know of it. */
export const PAUSED_REGION = 'us-east-1'
/** Versions from which on the file has them. */
export const PAUSES_SINCE = 3
export const BLOCKED_SINCE = 5
export const BLOCKED_SENDER = 'blocked@yours.example'

/** `receivedMs`: of every mail, whose window is a day. */
export function writeOldFile(file: string, version: number, receivedMs: number): void {
  makeOldFile(file, version, database => {
    // of a boot that is over, and of a process that is dead
    database.exec(
      `INSERT INTO region (name, boot_id, last_start_mono_ms) VALUES ('${REGION}', 'earlier', 1e12)`,
    )
    database.exec("INSERT INTO dispatcher VALUES (1, 'earlier', 1, '1', '1', 'earlier', 1e12)")
    for (const [seq, job] of JOBS.entries()) insert(database, seq + 1, job, receivedMs)
    if (version >= PAUSES_SINCE) database.exec(`INSERT INTO pause VALUES ('${PAUSED_REGION}', ${receivedMs})`)
    if (version >= BLOCKED_SINCE)
      database.exec(`INSERT INTO blocked VALUES ('${REGION}', '${BLOCKED_SENDER}', ${receivedMs}, 0)`)
  })
}

/** With its tables, and in them what `fill` writes. */
export function makeOldFile(file: string, version: number, fill: (database: Driver.Database) => void): void {
  const database = new Driver(file)
  try {
    database.exec('PRAGMA journal_mode = WAL')
    for (const step of STEPS.slice(0, version)) database.exec(step)
    database.exec(`PRAGMA user_version = ${version}`)
    fill(database)
  } finally {
    database.close()
  }
}

interface OldJob {
  sesId: string
  state: string
  region?: string
  bounceSender?: string
  recipients?: string[]
  /** More columns, as SQL. */
  more?: Record<string, string>
}

/** What there can be in a file; all that waits is to be sent, but what is paused. */
export const JOBS: OldJob[] = [
  { sesId: 'plain', state: 'queued' },
  {
    sesId: 'several',
    state: 'queued',
    recipients: ['one@yours.example', 'two@yours.example'],
    more: {
      bounce_sender_arn: "'arn:aws:ses:eu-west-1:123456789012:identity/yours.example'",
      explanation: "'No such mailbox.'",
    },
  },
  {
    sesId: 'putoff',
    state: 'queued',
    more: { tries: '2', unknown_tries: '1', reason: "'503'", not_before_ms: '1' },
  },
  { sesId: 'splitoff', state: 'queued', more: { alone: '1' } },
  { sesId: 'claimed', state: 'sending' },
  { sesId: 'interrupted', state: 'sending', more: { call_begun: '1' } },
  { sesId: 'blocked', state: 'queued', bounceSender: BLOCKED_SENDER },
  { sesId: 'elsewhere', state: 'queued', region: PAUSED_REGION },
  { sesId: 'sent', state: 'sent', more: { tries: '1', message_id: "'0100-1'" } },
  { sesId: 'failed', state: 'failed', more: { tries: '1', reason: "'400 MessageRejected: No.'" } },
  { sesId: 'held', state: 'held', more: { interruptions: '1', reason: "'unknown'" } },
]

function insert(database: Driver.Database, seq: number, job: OldJob, receivedMs: number): void {
  const { sesId, state, region = REGION, bounceSender = 'mailer-daemon@yours.example', more = {} } = job
  const columns: Record<string, string> = {
    seq: String(seq),
    id: `'job${seq}'`,
    state: `'${state}'`,
    region: `'${region}'`,
    ses_id: `'${sesId}'`,
    sender: "'sender@origin.example'",
    bounce_sender: `'${bounceSender}'`,
    reporting_mta: "'dns; mx.yours.example'",
    received_ms: String(receivedMs),
    deadline_ms: String(receivedMs + DAY_MS + seq),
    created_ms: String(receivedMs),
    changed_ms: String(receivedMs),
    ...more,
  }
  const names = Object.keys(columns).join(', ')
  database.exec(`INSERT OR IGNORE INTO region (name) VALUES ('${region}')`)
  database.exec(`INSERT INTO job (${names}) VALUES (${Object.values(columns).join(', ')})`)
  for (const address of job.recipients ?? ['user@yours.example']) {
    database.exec(`INSERT INTO recipient VALUES ('${sesId}', '${address}', ${seq}, '${address}', 'DoesNotExist', '5.1.1',
      'smtp; 550 5.1.1 No such mailbox', 'unknown-mailbox', ${receivedMs})`)
  }
  database.exec(`INSERT INTO event VALUES (${seq}, ${receivedMs}, 'queued', 'by rule unknown-mailbox')`)
}

/** The product shows them only to a database. */
function allSteps(): string[] {
  const steps: string[] = []
  const empty = {
    file: 'empty',
    pragma: () => [{ user_version: 0 }],
    script: (sql: string) => void steps.push(sql),
    write: <T>(work: () => T) => work(),
  }
  migrate(empty, true)
  return steps
}
