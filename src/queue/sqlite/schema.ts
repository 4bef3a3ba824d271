// The tables of the queue file, and the steps from each version of them to the next.
// A file of a newer version is refused and left as it is.

import { QueueError } from '../../errors'
import { ANSWERS_STEP } from './answers'
import { BREAKER_STEP } from './breaker'
import { COUNTERS_STEP, DECISION_WORDS_STEP } from './counters'
import { JOB_COUNTS_STEP } from './job-counts'
import { SECRET_STEP } from './secret'
import { SLOTS_STEP } from './slots'
import { SPANS_STEP } from './spans'

/** Each step leads from version n (its place here) to n + 1. Steps that were released are never changed. */
const STEPS = [
  `
  CREATE TABLE job (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
      CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'expired', 'held', 'cancelled')),
    region TEXT NOT NULL,
    ses_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    bounce_sender TEXT NOT NULL,
    bounce_sender_arn TEXT,
    reporting_mta TEXT NOT NULL,
    explanation TEXT,
    received_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    unknown_tries INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    call_begun INTEGER NOT NULL DEFAULT 0,
    -- split off a refused call: no recipient joins it
    alone INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    message_id TEXT
  );
  CREATE INDEX job_next ON job (region, deadline_ms, seq) WHERE state = 'queued';
  CREATE INDEX job_due ON job (region, not_before_ms) WHERE state = 'queued';
  CREATE INDEX job_sending ON job (region) WHERE state = 'sending';
  CREATE INDEX job_ses_id ON job (ses_id);
  CREATE INDEX job_ended ON job (changed_ms) WHERE state IN ('sent', 'failed', 'expired', 'cancelled');

  CREATE TABLE recipient (
    ses_id TEXT NOT NULL,
    address_key TEXT NOT NULL,
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    address TEXT NOT NULL,
    bounce_type TEXT NOT NULL,
    status TEXT NOT NULL,
    diagnostic TEXT NOT NULL,
    rule TEXT NOT NULL,
    added_ms INTEGER NOT NULL,
    PRIMARY KEY (ses_id, address_key)
  ) WITHOUT ROWID;
  CREATE INDEX recipient_job ON recipient (job);

  CREATE TABLE event (
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
  );
  CREATE INDEX event_job ON event (job);

  -- Monotonic times are of the boot beside them.
  CREATE TABLE region (
    name TEXT PRIMARY KEY,
    boot_id TEXT NOT NULL DEFAULT '',
    last_start_mono_ms REAL NOT NULL DEFAULT 0
  ) WITHOUT ROWID;

  CREATE TABLE dispatcher (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start TEXT NOT NULL,
    pid_space TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    beat_mono_ms REAL NOT NULL
  );
  `,
  `
  -- '' where it doesn't count: split off another job, or of an earlier version
  ALTER TABLE job ADD COLUMN sender_key TEXT NOT NULL DEFAULT '';
  ALTER TABLE job ADD COLUMN sender_domain TEXT NOT NULL DEFAULT '';
  CREATE INDEX job_sender ON job (sender_key, created_ms);
  CREATE INDEX job_domain ON job (sender_domain, created_ms);
  CREATE INDEX recipient_rule ON recipient (rule, added_ms);
  `,
  `
  -- '' is every region
  CREATE TABLE pause (
    region TEXT PRIMARY KEY,
    since_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  SLOTS_STEP,
  BREAKER_STEP,
  `
  -- How many times as long as it was set the interval between calls is, since SES throttles.
  ALTER TABLE region ADD COLUMN slowdown REAL NOT NULL DEFAULT 1;
  `,
  ANSWERS_STEP,
  COUNTERS_STEP + JOB_COUNTS_STEP,
  DECISION_WORDS_STEP,
  `
  -- in the order of a page: of an address that very many mails are for, no more is looked at than it takes
  DROP INDEX recipient_address;
  CREATE INDEX recipient_address ON recipient (address_key, job);
  ${SPANS_STEP}
  `,
  SECRET_STEP,
]

/** What of a database the steps need. */
export interface Steppable {
  file: string
  pragma(text: string): Record<string, unknown>[]
  script(sql: string): void
  write<T>(work: () => T): T
}

export function migrate(database: Steppable, create: boolean): void {
  if (mustBeKnown(database, create) === STEPS.length) return
  database.write(() => {
    // another process may have been faster
    for (const step of STEPS.slice(versionOf(database))) database.script(step)
    database.pragma(`user_version = ${STEPS.length}`)
  })
}

/** Which version it is of; 0, an empty file, only for one who makes it. @throws QueueError QUEUE_NEWER, QUEUE_UNREADABLE */
export function mustBeKnown(database: Pick<Steppable, 'file' | 'pragma'>, create: boolean): number {
  const version = versionOf(database)
  if (version > STEPS.length) {
    throw new QueueError(
      'QUEUE_NEWER',
      `${database.file}: the queue file is of version ${version}, and this program knows ${STEPS.length} at most; install the newer one again`,
    )
  }
  if (version === 0 && !create)
    throw new QueueError('QUEUE_UNREADABLE', `${database.file}: this isn't a queue file`)
  return version
}

function versionOf(database: Pick<Steppable, 'pragma'>): number {
  return Number(database.pragma('user_version')[0]?.['user_version'] ?? 0)
}
