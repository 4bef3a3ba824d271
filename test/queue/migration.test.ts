import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import Driver from 'libsql'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import type { Ses } from '../../src/dispatch/ses'
import { QueueError } from '../../src/errors'
import type { Job } from '../../src/queue/job'
import { openDispatcherQueue } from '../../src/queue/sqlite/dispatcher-queue'
import { thisProcess } from '../../src/queue/sqlite/holder'
import { openOperatorQueue } from '../../src/queue/sqlite/operator-queue'
import { openQueueReader } from '../../src/queue/sqlite/reader'
import { openWorkerQueue } from '../../src/queue/sqlite/worker-queue'
import { loadSettings, parseSettings } from '../../src/settings/load'
import { until } from '../live/support/wait'
import { JOBS, PAUSED_REGION, PAUSES_SINCE, REGION, STEPS, writeOldFile } from './old-files'
import { request, temporaryFolder } from './support'

const HOUR_MS = 3_600_000
/** What becomes of what waits. */
const SENT = ['plain', 'several', 'putoff', 'splitoff', 'claimed', 'interrupted', 'blocked']

describe('a queue file of an earlier version', function () {
  let folder: string
  let file: string
  let remove: () => void
  let receivedMs: number

  beforeEach(() => {
    ;({ folder, remove } = temporaryFolder())
    file = path.join(folder, 'queue.sqlite')
    receivedMs = Date.now() - HOUR_MS
  })
  afterEach(() => remove())

  function jobs(): Map<string, Job> {
    const reader = openQueueReader(file)
    try {
      return new Map([...reader.jobs()].map(job => [job.sesId, job]))
    } finally {
      reader.close()
    }
  }

  for (const version of STEPS.slice(1).map((_, index) => index + 1)) {
    it(`${version}: its jobs are there as they were, count as those of today, and are sent`, async () => {
      writeOldFile(file, version, receivedMs)
      const before = rowsOf(file)
      const hash = hashOf(file)
      const reader = openQueueReader(file, { untouched: true })
      assert.deepEqual(
        reader.regions(),
        [REGION, PAUSED_REGION].toSorted(),
        'who only looks carries nothing forward',
      )
      reader.close()
      assert.equal(hashOf(file), hash)
      const worker = openWorkerQueue(file)
      try {
        assert.deepEqual(withColumnsOf(before, rowsOf(file)), before)
        assert.equal(versionOf(file), STEPS.length)
        assert.equal(worker.known('several').size, 2)
        const lastMs = receivedMs + 25 * HOUR_MS
        const waiting = JOBS.filter(({ state, region = REGION }) => state === 'queued' && region === REGION)
        assert.equal(worker.ahead(REGION, lastMs, 0).jobs, waiting.length)
        const added = worker.add(
          [request({ sesId: 'new', receivedAtMs: receivedMs, deadlineMs: lastMs })],
          Date.now(),
        )
        assert.equal(added[0]?.outcome, 'added')
        const again = worker.add(
          [request({ sesId: 'plain', receivedAtMs: receivedMs, deadlineMs: lastMs })],
          Date.now(),
        )
        assert.equal(again[0]?.outcome, 'known')

        const isPaused = version >= PAUSES_SINCE
        const expected = [...SENT, 'new', ...(isPaused ? [] : ['elsewhere'])].toSorted()
        assert.deepEqual(await send(file, expected.length), expected)
        const now = jobs()
        for (const { sesId, state } of JOBS) {
          const fate = expected.includes(sesId) ? 'sent' : state
          assert.equal(now.get(sesId)?.state, fate, sesId)
        }
        assert.equal(now.get('putoff')?.tries, 3)
        assert.equal(now.get('interrupted')?.interruptions, 1)
        assert.equal(now.get('elsewhere')?.region, PAUSED_REGION)
      } finally {
        worker.close()
      }
    })
  }

  it('when it is of a newer one instead, everybody refuses it, says which, and leaves it as it is', () => {
    writeOldFile(file, STEPS.length, receivedMs)
    const database = new Driver(file)
    database.exec(`PRAGMA user_version = ${STEPS.length + 1}`)
    database.close()
    const before = hashOf(file)
    const openers = [
      () => openWorkerQueue(file),
      () => openWorkerQueue(file, { create: true }),
      () => openDispatcherQueue(file),
      () => openOperatorQueue(file),
      () => openQueueReader(file),
      () => openQueueReader(file, { untouched: true }),
    ]
    for (const open of openers) {
      assert.throws(open, error => {
        assert.ok(error instanceof QueueError)
        assert.equal(error.code, 'QUEUE_NEWER')
        assert.ok(error.message.includes(file), 'which file')
        assert.match(
          error.message,
          new RegExp(`version ${STEPS.length + 1}, and this program knows ${STEPS.length} `),
        )
        return true
      })
    }
    assert.equal(hashOf(file), before)
  })
})

/** Runs the dispatcher until that many bounces are out; the mails that they are of, in order of their names. */
async function send(file: string, count: number): Promise<string[]> {
  const sent: string[] = []
  const ses: Ses = {
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
  const queue = openDispatcherQueue(file)
  const lines: string[] = []
  const dispatcher = new Dispatcher({
    queue,
    ses,
    clock: systemClock,
    settings: () => settings,
    holder: thisProcess(),
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

/** What was told it before. */
const TABLES = ['job', 'recipient', 'event', 'dispatcher', 'region']

function rowsOf(file: string): Rows {
  const database = new Driver(file)
  try {
    return Object.fromEntries(
      TABLES.map(table => [
        table,
        database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all() as Record<string, unknown>[],
      ]),
    )
  } finally {
    database.close()
  }
}

/** Of `rows` the columns that there were. */
function withColumnsOf(before: Rows, rows: Rows): Rows {
  return Object.fromEntries(
    Object.entries(rows).map(([table, all]) => {
      const columns = Object.keys(before[table]?.[0] ?? {})
      return [table, all.map(row => Object.fromEntries(columns.map(column => [column, row[column]])))]
    }),
  )
}

function versionOf(file: string): number {
  const database = new Driver(file)
  try {
    const row = database.prepare('SELECT user_version FROM pragma_user_version').get() as {
      user_version: number
    }
    return row.user_version
  } finally {
    database.close()
  }
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
