// Queue files of every version: those that were released are carried forward, all others are refused and left alone.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import Driver from 'libsql'
import { loadSettings, parseSettings } from '../../../src/config/load'
import { type Clock, systemClock } from '../../../src/dispatch/clock'
import { Dispatcher } from '../../../src/dispatch/dispatcher'
import type { Ses } from '../../../src/dispatch/ses'
import { QueueError } from '../../../src/errors'
import type { Job } from '../../../src/queue/job'
import { Database } from '../../../src/queue/sqlite/database'
import {
  openDispatcherQueue,
  openOperatorQueue,
  openQueueReader,
  openWorkerQueue,
} from '../../../src/queue/sqlite/open'
import { migrate, SCHEMA_STEPS, type SchemaStep } from '../../../src/queue/sqlite/schema'
import { until } from '../../live/support/wait'
import { ahead, HOUR_MS, known, request, temporaryFolder } from '../support'
import {
  ASKED_FOR,
  DAY_MS,
  emptyTables,
  JOBS,
  PAUSED_REGION,
  RECEIVED_MS,
  RECORD,
  REGION,
  STORED_FILES,
} from './stored-file'

const FIRST = 11
const NEWEST = SCHEMA_STEPS.at(-1)?.version ?? 0
const OPENERS: Record<string, (file: string) => unknown> = {
  worker: file => openWorkerQueue(file),
  'worker that may create it': file => openWorkerQueue(file, { create: true }),
  dispatcher: file => openDispatcherQueue(file),
  operator: file => openOperatorQueue(file),
  reader: file => openQueueReader(file),
  'reader that leaves it untouched': file => openQueueReader(file, { untouched: true }),
}
/** Tables of earlier versions whose rows say nothing that others don't: sums of the jobs' deadlines. */
const GONE = ['slot']
/** The waiting jobs that are sent in the end: all but those of the region that is paused. */
const SENT = [ASKED_FOR, 'plain', 'several', 'putoff', 'splitoff', 'claimed', 'interrupted', 'blocked']

let folder: string
let file: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = temporaryFolder())
  file = path.join(folder, 'queue.sqlite')
})
afterEach(() => remove())

for (const name of readdirSync(STORED_FILES)) {
  const version = Number(/^version-(\d+)\.sqlite$/.exec(name)?.[1])

  describe(`a stored queue file of version ${version}`, () => {
    beforeEach(() => copyFileSync(path.join(STORED_FILES, name), file))

    it('is of that version, and has a row in every table', () => {
      assert.equal(versionOf(file), version)
      assert.deepEqual(emptyTables(file), [])
    })

    it('is read without a change to it', () => {
      const before = hashOf(file)
      const reader = openQueueReader(file, { untouched: true })
      assert.deepEqual(reader.regions(), [REGION, PAUSED_REGION].toSorted())
      reader.close()
      assert.equal(hashOf(file), before)
    })

    it('is carried forward with every row, and its jobs are sent', async () => {
      const before = rowsOf(file)
      const worker = openWorkerQueue(file)
      try {
        assert.equal(versionOf(file), NEWEST)
        assert.deepEqual(tablesOf(file), tablesOf(newFile()), 'the tables are those of a new file')
        for (const table of GONE) delete before[table]
        assert.deepEqual(withColumnsOf(before, rowsOf(file)), before)
        assert.equal(known(worker, 'several').size, 2)
        const { record } = worker.look({ idempotencyKey: RECORD.key, nowMs: 0 })
        assert.equal(record?.digest, RECORD.digest)
        const lastMs = RECEIVED_MS + 25 * HOUR_MS
        const waiting = JOBS.filter(({ state, region = REGION }) => state === 'queued' && region === REGION)
        assert.equal(ahead(worker, REGION, lastMs, 0).jobs, waiting.length + 1)
        const ofNow = { receivedAtMs: RECEIVED_MS, deadlineMs: RECEIVED_MS + DAY_MS }
        const added = ['new', 'plain'].map(
          sesId => worker.add([request({ sesId, ...ofNow })], RECEIVED_MS)[0]?.outcome,
        )
        assert.deepEqual(added, ['added', 'known'])

        const expected = [...SENT, 'new'].toSorted()
        assert.deepEqual(await send(file, expected.length), expected)
        const now = jobs()
        for (const { sesId, state } of JOBS) {
          assert.equal(now.get(sesId)?.state, expected.includes(sesId) ? 'sent' : state, sesId)
        }
        assert.equal(now.get('putoff')?.tries, 3)
        assert.equal(now.get('interrupted')?.interruptions, 1)
        assert.equal(now.get('elsewhere')?.region, PAUSED_REGION)
      } finally {
        worker.close()
      }
    })
  })
}

describe('a queue file', () => {
  it('of the first version and of the newest one is there to be tested', () => {
    const stored = readdirSync(STORED_FILES)
    for (const version of [FIRST, NEWEST])
      assert.ok(stored.includes(`version-${version}.sqlite`), `${version}`)
  })

  for (const version of Array.from({ length: FIRST - 1 }, (_, index) => index + 1)) {
    it(`of version ${version}, which was never released, is refused and left as it is`, () => {
      openWorkerQueue(file, { create: true }).close()
      setVersion(file, version)
      assertRefused('QUEUE_OLDER', new RegExp(`version ${version}, which .*knows ${FIRST} to ${NEWEST}`))
    })
  }

  it('of a newer version is refused and left as it is', () => {
    openWorkerQueue(file, { create: true }).close()
    setVersion(file, NEWEST + 1)
    assertRefused(
      'QUEUE_NEWER',
      new RegExp(`version ${NEWEST + 1}, and this program knows ${NEWEST} at most`),
    )
  })

  function assertRefused(code: string, message: RegExp): void {
    const before = hashOf(file)
    for (const [who, open] of Object.entries(OPENERS)) {
      assert.throws(
        () => open(file),
        error => {
          assert.ok(error instanceof QueueError, who)
          assert.equal(error.code, code, who)
          assert.ok(error.message.includes(file), 'the file is named')
          assert.match(error.message, message)
          return true
        },
      )
    }
    assert.equal(hashOf(file), before)
  }
})

describe('a step of the tables', () => {
  const step = (version: number, sql: string): SchemaStep => ({ version, sql: () => sql })
  const [first = step(FIRST, '')] = SCHEMA_STEPS

  function withDatabase<T>(work: (database: Database) => T): T {
    // of version 11 whatever the newest one is, and with the pragmas that every opener sets
    copyFileSync(path.join(STORED_FILES, `version-${FIRST}.sqlite`), file)
    const database = new Database(file, { busyMs: 100, create: false })
    database.pragma(`user_version = ${FIRST}`)
    try {
      return work(database)
    } finally {
      database.close()
    }
  }

  it('that fails leaves the file as the step before it did', () => {
    withDatabase(database => {
      const steps = [
        first,
        step(12, 'CREATE TABLE extra (a TEXT)'),
        step(13, 'CREATE TABLE more (a TEXT); CREATE TABLE extra (a TEXT)'),
      ]
      assert.throws(() => migrate(database, false, steps), /extra/)
      assert.equal(versionOf(file), 12)
      const tables = database.all("SELECT name FROM sqlite_master WHERE name IN ('extra', 'more')")
      assert.deepEqual(tables, [{ name: 'extra' }])
      assert.deepEqual(database.pragma('foreign_keys'), [{ foreign_keys: 1 }])
    })
  })

  it('that replaces a table keeps the rows that belong to its own', () => {
    withDatabase(database => {
      const before = database.all('SELECT COUNT(*) AS rows FROM recipient')
      const sql = `CREATE TABLE new_event (job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE, what TEXT NOT NULL);
        INSERT INTO new_event SELECT job, what FROM event;
        DROP TABLE event;
        ALTER TABLE new_event RENAME TO event;
        CREATE TABLE kept AS SELECT * FROM job;
        DELETE FROM job;
        INSERT INTO job SELECT * FROM kept;
        DROP TABLE kept;`
      migrate(database, false, [first, step(12, sql)])
      assert.deepEqual(database.all('SELECT COUNT(*) AS rows FROM recipient'), before)
      database.run('DELETE FROM job')
      assert.deepEqual(database.all('SELECT COUNT(*) AS rows FROM recipient'), [{ rows: 0 }])
    })
  })

  it('that would leave rows without those they belong to is refused', () => {
    withDatabase(database => {
      assert.throws(
        () => migrate(database, false, [first, step(12, 'DELETE FROM job')]),
        /version 12 would leave rows of \w+ without those they belong to/,
      )
      assert.equal(versionOf(file), FIRST)
    })
  })
})

function jobs(): Map<string, Job> {
  const reader = openQueueReader(file)
  try {
    return new Map([...reader.jobs()].map(job => [job.sesId, job]))
  } finally {
    reader.close()
  }
}

function newFile(): string {
  const made = path.join(folder, 'new.sqlite')
  openWorkerQueue(made, { create: true }).close()
  return made
}

/** Runs the dispatcher until that many bounces are out; the mails that they are of, in order of their names. */
async function send(queueFile: string, count: number): Promise<string[]> {
  const sent: string[] = []
  const ses: Ses = {
    prepare: () => undefined,
    sendBounce: (_region, input) => {
      sent.push(input.OriginalMessageId ?? '')
      return Promise.resolve({
        outcome: { kind: 'sent', messageId: `bounce${sent.length}` },
        seenMonoMs: systemClock.monoMs(),
      })
    },
    warmUp: () => Promise.resolve(),
    close: () => undefined,
  }
  const { settings } = loadSettings(parseSettings('[limit]\ninterval = 20ms\nslack = 0ms\n'), {})
  const queue = openDispatcherQueue(queueFile)
  const lines: string[] = []
  const behindMs = Date.now() - RECEIVED_MS - HOUR_MS
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() - behindMs }
  const dispatcher = new Dispatcher({
    queue,
    ses,
    clock,
    settings: () => settings,
    log: (_level, message) => lines.push(message),
  })
  const running = dispatcher.run()
  try {
    await until(() => sent.length >= count, { what: `${count} bounces; it said\n${lines.join('\n')}` })
  } finally {
    dispatcher.stop()
    await running
    queue.close()
  }
  return sent.toSorted()
}

type Rows = Record<string, Record<string, unknown>[]>

function rowsOf(queueFile: string): Rows {
  return inDatabase(queueFile, database => {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
      name: string
    }[]
    return Object.fromEntries(
      tables.map(({ name }) => [
        name,
        database.prepare(`SELECT * FROM "${name}" ORDER BY 1, 2`).all() as Record<string, unknown>[],
      ]),
    )
  })
}

/** The part of `rows` in tables and columns that there were before. */
function withColumnsOf(before: Rows, rows: Rows): Rows {
  return Object.fromEntries(
    Object.entries(before).map(([table, [first = {}]]) => {
      const columns = Object.keys(first)
      const all = rows[table] ?? []
      return [table, all.map(row => Object.fromEntries(columns.map(column => [column, row[column]])))]
    }),
  )
}

function tablesOf(queueFile: string): unknown[] {
  return inDatabase(queueFile, database =>
    database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name').all(),
  )
}

function versionOf(queueFile: string): number {
  return inDatabase(queueFile, database => {
    const row = database.prepare('SELECT user_version FROM pragma_user_version').get() as {
      user_version: number
    }
    return row.user_version
  })
}

function setVersion(queueFile: string, version: number): void {
  inDatabase(queueFile, database => database.exec(`PRAGMA user_version = ${version}`))
}

function inDatabase<T>(queueFile: string, work: (database: Driver.Database) => T): T {
  const database = new Driver(queueFile)
  try {
    return work(database)
  } finally {
    database.close()
  }
}

function hashOf(queueFile: string): string {
  return createHash('sha256').update(readFileSync(queueFile)).digest('hex')
}
