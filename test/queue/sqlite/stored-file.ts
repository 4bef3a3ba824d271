// A queue file with something in every table, as test/fixtures/queue-files keeps one for each released version.
// A release that changes the tables stores its own: node --require tsx/cjs test/queue/sqlite/make-stored-file.ts

import path from 'node:path'
import Driver from 'libsql'
import { auditDraft } from '../../../src/queue/audit'
import { COUNTED } from '../../../src/queue/counters'
import { openCounterStore, openOperatorQueue, openWorkerQueue } from '../../../src/queue/sqlite/open'
import { request, temporaryFolder } from '../support'

export const STORED_FILES = path.join(__dirname, '../../fixtures/queue-files')

/** When every mail in it was received, and its window. */
export const RECEIVED_MS = Date.UTC(2026, 10, 1)
export const DAY_MS = 86_400_000
export const REGION = 'eu-west-1'
/** By hand. */
export const PAUSED_REGION = 'us-east-1'
const BLOCKED_SENDER = 'blocked@yours.example'
/** The key and the digest of a submission. */
export const RECORD = { key: 'stored', digest: 'digest' }
/** The mail that it is about. */
export const ASKED_FOR = 'asked-for'

interface StoredJob {
  sesId: string
  state: string
  region?: string
  bounceSender?: string
  recipients?: string[]
  /** More columns, as SQL. */
  more?: Record<string, string>
}

/** Every state that a job can be in, beside the one of the request. */
export const JOBS: StoredJob[] = [
  { sesId: 'plain', state: 'queued' },
  {
    sesId: 'several',
    state: 'queued',
    recipients: ['one@yours.example', 'two@yours.example'],
    more: {
      bounce_sender_arn: "'arn:aws:ses:eu-west-1:123456789012:identity/yours.example'",
      explanation: "'No such mailbox.'",
      sender_key: "'sender@origin.example'",
      sender_domain: "'origin.example'",
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
  { sesId: 'expired', state: 'expired', more: { reason: "'the deadline passed'" } },
  { sesId: 'held', state: 'held', more: { interruptions: '1', reason: "'unknown'" } },
  { sesId: 'cancelled', state: 'cancelled', more: { reason: "'by hand'" } },
]

/** Makes a stored file of the newest version. */
export function makeStoredFile(target: string): void {
  const { folder, remove } = temporaryFolder()
  try {
    fill(path.join(folder, 'queue.sqlite'), target)
  } finally {
    remove()
  }
}

function fill(file: string, target: string): void {
  const worker = openWorkerQueue(file, { create: true })
  const asked = request({ sesId: ASKED_FOR, receivedAtMs: RECEIVED_MS, deadlineMs: RECEIVED_MS + DAY_MS })
  worker.add([asked], RECEIVED_MS, {
    forecast: { nowMonoMs: 0, spacingMs: 0, marginMs: 0 },
    record: RECORD,
  })
  worker.close()
  const operator = openOperatorQueue(file)
  const pausing = { target: PAUSED_REGION, reason: 'a new address', atMs: RECEIVED_MS }
  operator.pause(
    PAUSED_REGION,
    RECEIVED_MS,
    auditDraft({ who: 'anna', via: 'cli', host: 'web-1' }, 'pause', pausing),
  )
  operator.close()
  count(file)
  const database = new Driver(file)
  try {
    // of a boot that is over, and of a process that is dead
    database.exec(`UPDATE region SET boot_id = 'earlier', last_start_mono_ms = 1e12 WHERE name = '${REGION}'`)
    database.exec("INSERT INTO dispatcher VALUES (1, 'earlier', 1, '1', '1', 'earlier', 1e12, 7)")
    for (const [index, job] of JOBS.entries()) insert(database, index + 2, job)
    database.exec(`INSERT INTO blocked VALUES ('${REGION}', '${BLOCKED_SENDER}', ${RECEIVED_MS}, 1)`)
    database.exec(
      `INSERT INTO refused SELECT seq, region, bounce_sender, '400 MessageRejected: No.', 1 FROM job WHERE ses_id = 'blocked'`,
    )
    keepMail(database)
    database.exec(`INSERT INTO ended_session VALUES ('${'0'.repeat(32)}', ${RECEIVED_MS + DAY_MS})`)
    // one small file, without a -wal beside it
    database.prepare('VACUUM INTO ?').run(target)
  } finally {
    database.close()
  }
}

/** The raw mail of a job that waits, and of one that has ended, whose mail is to be moved. */
function keepMail(database: Driver.Database): void {
  for (const [sesId, place, unconfirmed] of [
    ['plain', 'kept', 1],
    ['failed', 'quarantine', 2],
  ] as const) {
    database.exec(
      `UPDATE recipient SET kept = 'mail-${sesId}', unconfirmed = ${unconfirmed} WHERE ses_id = '${sesId}'`,
    )
    database.exec(
      `INSERT INTO mail_file (home, place, name, sender_key, bytes, at_ms)
       VALUES ('/opt/haraka', '${place}', 'mail-${sesId}', 'sender@origin.example', 2000, ${RECEIVED_MS})`,
    )
  }
  database.exec(`INSERT INTO kept_due (name, since_ms) VALUES ('mail-failed', ${RECEIVED_MS})`)
}

function count(file: string): void {
  const counters = openCounterStore(file)
  const labels = { action: 'bounce', rule: 'unknown-mailbox' }
  counters.add({
    sums: [{ name: COUNTED.decisions, labels, value: 3 }],
    hits: [{ rule: 'unknown-mailbox', hits: 3, lastMs: RECEIVED_MS }],
    decisions: [
      {
        atMs: RECEIVED_MS,
        sesId: 'plain',
        sender: 'sender@origin.example',
        recipient: 'user@yours.example',
        rule: 'unknown-mailbox',
        action: 'bounce',
        isObserved: false,
      },
    ],
    onlyRecipients: [{ hourMs: RECEIVED_MS, mails: 3, besideFor: 1, notifyNever: 0 }],
    reloads: [{ atMs: RECEIVED_MS, state: 'first', errors: [] }],
  })
  counters.close()
}

function insert(database: Driver.Database, seq: number, job: StoredJob): void {
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
    received_ms: String(RECEIVED_MS),
    deadline_ms: String(RECEIVED_MS + DAY_MS + seq),
    created_ms: String(RECEIVED_MS),
    changed_ms: String(RECEIVED_MS),
    ...more,
  }
  const names = Object.keys(columns).join(', ')
  database.exec(`INSERT OR IGNORE INTO region (name) VALUES ('${region}')`)
  database.exec(`INSERT INTO job (${names}) VALUES (${Object.values(columns).join(', ')})`)
  for (const address of job.recipients ?? ['user@yours.example']) {
    database.exec(`INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
      VALUES ('${sesId}', '${address}', ${seq}, '${address}', 'DoesNotExist', '5.1.1',
      'smtp; 550 5.1.1 No such mailbox', 'unknown-mailbox', ${RECEIVED_MS})`)
  }
  database.exec(`INSERT INTO event VALUES (${seq}, ${RECEIVED_MS}, 'queued', 'by rule unknown-mailbox')`)
}

/** Tables without a row. */
export function emptyTables(file: string): string[] {
  const database = new Driver(file, { readonly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
      name: string
    }[]
    return tables
      .map(({ name }) => name)
      .filter(name => database.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get() === undefined)
  } finally {
    database.close()
  }
}
