// Migrates a queue file to the newest version of its tables. The frozen text of each version is next to this file:
// schema.sql makes version 11, and each numbered file in migrations/ leads to its version from the one before.
// A file of any other version is refused and not changed.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { QueueError } from '../../errors'

/** Versions 1 to 10 were never released. */
const FIRST_VERSION = 11

export interface SchemaStep {
  /** user_version of the file after the step (SQLite: PRAGMA user_version). */
  version: number
  sql: () => string
}

export const SCHEMA_STEPS: readonly SchemaStep[] = [
  stepOf(FIRST_VERSION, 'schema.sql'),
  // 012-some-name.sql
  ...readdirSync(path.join(__dirname, 'migrations'))
    .filter(name => /^\d{3}-.+\.sql$/.test(name))
    .toSorted()
    .map(name => stepOf(Number(name.slice(0, 3)), path.join('migrations', name))),
]

function stepOf(version: number, file: string): SchemaStep {
  return { version, sql: () => readFileSync(path.join(__dirname, file), 'utf8') }
}

/** The part of a database that the steps need. */
export interface MigratableDatabase {
  file: string
  pragma(text: string): Record<string, unknown>[]
  script(sql: string): void
  write<T>(work: () => T): T
}

/** @throws QueueError as `checkVersion`, or when a step fails: the file is then as it was before that step */
export function migrate(database: MigratableDatabase, create: boolean, steps = SCHEMA_STEPS): void {
  if (checkVersion(database, create, steps) === newest(steps)) return
  // A step may replace a table, and its rows must not take those that point at them along. Without effect within a
  // transaction (SQLite: "Making Other Kinds Of Table Schema Changes").
  database.pragma('foreign_keys = OFF')
  try {
    while (database.write(() => takeStep(database, create, steps)) < newest(steps));
  } finally {
    database.pragma('foreign_keys = ON')
  }
}

/** Runs in a transaction. Another process may have done the step already. */
function takeStep(database: MigratableDatabase, create: boolean, steps: readonly SchemaStep[]): number {
  const before = checkVersion(database, create, steps)
  const step = steps.find(({ version }) => version > before)
  if (step === undefined) return before
  database.script(step.sql())
  const [orphan] = database.pragma('foreign_key_check')
  if (orphan !== undefined) {
    throw new QueueError(
      'QUEUE_OTHER',
      `${database.file}: version ${step.version} would leave rows of ${String(orphan['table'])} without those they belong to`,
    )
  }
  database.pragma(`user_version = ${step.version}`)
  return step.version
}

/**
 * The version of the file; 0, an empty file, only where it may be created.
 * @throws QueueError QUEUE_NEWER, QUEUE_OLDER, QUEUE_UNREADABLE
 */
export function checkVersion(
  database: Pick<MigratableDatabase, 'file' | 'pragma'>,
  create: boolean,
  steps = SCHEMA_STEPS,
): number {
  const version = Number(database.pragma('user_version')[0]?.['user_version'] ?? 0)
  const { file } = database
  if (version > newest(steps)) {
    throw new QueueError(
      'QUEUE_NEWER',
      `${file}: the queue file is of version ${version}, and this program knows ${newest(steps)} at most; install the newer one again`,
    )
  }
  if (version === 0 && !create) throw new QueueError('QUEUE_UNREADABLE', `${file}: this isn't a queue file`)
  if (version !== 0 && version < FIRST_VERSION) {
    throw new QueueError(
      'QUEUE_OLDER',
      `${file}: the queue file is of version ${version}, which was never released; this program knows ${FIRST_VERSION} to ${newest(steps)}; it was left as it is: move it away to start with an empty queue`,
    )
  }
  return version
}

function newest(steps: readonly SchemaStep[]): number {
  return steps.at(-1)?.version ?? FIRST_VERSION
}
