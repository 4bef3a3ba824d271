// Opens the queue's database and runs typed statements. Only this file knows the SQLite driver.
// Faults become QueueError (errors.ts): busy and full are temporary; an unreadable file isn't changed.

import { existsSync } from 'node:fs'
import Driver from 'libsql'
import { QueueError, type QueueErrorCode } from '../../errors'
import { createEmpty, identityOf, refuseNetworkFileSystem, untouchedUri } from './queue-file'
import { checkVersion, migrate } from './schema'

export type Value = string | number | null
export type Row = Record<string, Value>

export interface OpenOptions {
  /** Longest time that a call may block when another process writes. The wait is synchronous. */
  busyMs: number
  /** Makes a missing file with its tables. Without it a missing file is an error. */
  create: boolean
  /** Changes and makes no file. For a single reading: later writes may not be seen. */
  untouched?: true
}

const ASK_AGAIN_MS = 10

/**
 * The dispatcher copies the WAL into the file when it has so many pages (16 MB): each page once, however often it was
 * written. SQLite's own 1000 pages copied four times as often, in the process that serves SMTP.
 */
const DISPATCHER_WAL_PAGES = 4000
/** Any other writer copies it from here on (64 MB): no dispatcher does. */
const LONGEST_WAL_PAGES = 16_000

export class Database {
  readonly file: string
  #writes = 0
  readonly #driver: Driver.Database
  readonly #identity: string
  readonly #statements = new Map<string, Driver.Statement>()

  constructor(file: string, options: OpenOptions) {
    this.file = file
    refuseNetworkFileSystem(file)
    if (options.create) createEmpty(file)
    else if (!existsSync(file))
      throw new QueueError('QUEUE_UNREADABLE', `${file}: there is no such queue file`)
    const name = options.untouched ? untouchedUri(file) : file
    this.#driver = this.#try(() => new Driver(name, { timeout: options.busyMs }))
    this.#identity = identityOf(file)
    try {
      if (!options.untouched) this.#prepare(options.busyMs)
      if (options.untouched) checkVersion(this, false)
      else migrate(this, options.create)
    } catch (error) {
      // a caller that tries again for each mail must not run out of file descriptors
      this.#driver.close()
      throw error
    }
  }

  all(sql: string, ...values: Value[]): Row[] {
    return this.#try(() => this.#statement(sql).all(values) as Row[])
  }

  /** The first row. Cheaper than `all`, which reads a hundred rows at a time. */
  get(sql: string, ...values: Value[]): Row | undefined {
    return this.#try(() => this.#statement(sql).get(values) as Row | undefined)
  }

  /** Returns the number of changed rows. */
  run(sql: string, ...values: Value[]): number {
    return this.#try(() => this.#statement(sql).run(values).changes)
  }

  *iterate(sql: string, ...values: Value[]): IterableIterator<Row> {
    yield* this.#statement(sql).iterate(...values) as IterableIterator<Row>
  }

  /** Changes with every write of any process; SQLite's own number only counts those of others. */
  version(): number {
    return Number(this.pragma('data_version')[0]?.['data_version'] ?? 0) + this.#writes
  }

  /** All reads see one state. Also works in the caller's transaction. */
  read<T>(work: () => T): T {
    if (this.#driver.inTransaction) return work()
    this.script('BEGIN')
    try {
      const result = work()
      this.script('COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  /** Writes all or nothing, durable when it returns. */
  write<T>(work: () => T): T {
    this.#try(() => this.#driver.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      this.#try(() => this.#driver.exec('COMMIT'))
      this.#writes++
      return result
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  /**
   * `write` without a sync to disk: it survives a crash of any process, but not a power cut.
   * WAL with synchronous = NORMAL leaves the flush to the next full commit.
   */
  writeUnflushed<T>(work: () => T): T {
    this.script('PRAGMA synchronous = NORMAL')
    try {
      return this.write(work)
    } finally {
      this.script('PRAGMA synchronous = FULL')
    }
  }

  /** `writeUnflushed`; then a WAL that has grown long is copied into the file, without waiting for readers. */
  writeAndCheckpoint<T>(work: () => T): T {
    this.script(`PRAGMA wal_autocheckpoint = ${DISPATCHER_WAL_PAGES}`)
    try {
      return this.writeUnflushed(work)
    } finally {
      this.script(`PRAGMA wal_autocheckpoint = ${LONGEST_WAL_PAGES}`)
    }
  }

  /**
   * Writes to a file without its name would be lost when the last process closes it.
   * @throws QueueError QUEUE_UNWRITABLE: the file was deleted, moved or replaced since it was opened
   */
  mustBeInPlace(): void {
    if (identityOf(this.file) === this.#identity) return
    throw new QueueError(
      'QUEUE_UNWRITABLE',
      `${this.file}: the queue file is gone or was replaced while it is in use; put it back, or start Haraka again`,
    )
  }

  pragma(text: string): Row[] {
    return this.#try(() => this.#driver.pragma(text) as Row[])
  }

  script(sql: string): void {
    this.#try(() => this.#driver.exec(sql))
  }

  /** Reads the whole file. @throws QueueError QUEUE_UNREADABLE when it is damaged. */
  check(): void {
    const found = String(this.pragma('quick_check(1)')[0]?.['quick_check'] ?? '')
    if (found !== 'ok') {
      throw new QueueError('QUEUE_UNREADABLE', `${this.file}: ${DAMAGED} (${found.replace(/\s+/g, ' ')})`)
    }
  }

  close(): void {
    this.#statements.clear()
    this.#driver.close()
  }

  #prepare(busyMs: number): void {
    const mode = this.#useWal(busyMs)
    if (mode !== 'wal') {
      throw new QueueError('QUEUE_UNWRITABLE', `${this.file}: SQLite's WAL can't be had on this file system`)
    }
    // FULL: each commit is on disk before it returns (SQLite: PRAGMA synchronous)
    this.pragma('synchronous = FULL')
    this.pragma('foreign_keys = ON')
    this.pragma(`wal_autocheckpoint = ${LONGEST_WAL_PAGES}`)
  }

  /** SQLite doesn't always wait by itself while another process makes the file, or is the last to close it. */
  #useWal(busyMs: number): string {
    const endMs = performance.now() + busyMs
    for (;;) {
      try {
        return String(this.pragma('journal_mode = WAL')[0]?.['journal_mode'] ?? '')
      } catch (error) {
        const isBusy = error instanceof QueueError && error.code === 'QUEUE_BUSY'
        if (!isBusy || performance.now() >= endMs) throw error
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASK_AGAIN_MS)
      }
    }
  }

  /** If the disk is full SQLite has rolled back itself; the error of a second rollback is ignored. */
  #rollBack(): void {
    try {
      if (this.#driver.inTransaction) this.#driver.exec('ROLLBACK')
    } catch {
      // the caller throws the first fault
    }
  }

  #statement(sql: string): Driver.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#driver.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #try<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof QueueError) return error
    const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
    const known = CODES.find(([prefix]) => code.startsWith(prefix))
    if (known)
      return new QueueError(known[1], `${this.file}: ${known[2]} (${error.message})`, { cause: error })
    if (/Unable to open connection/.test(error.message)) {
      return new QueueError(
        'QUEUE_UNWRITABLE',
        `${this.file}: the queue file can't be opened (${error.message})`,
        {
          cause: error,
        },
      )
    }
    return new QueueError('QUEUE_OTHER', `${this.file}: ${error.message}`, { cause: error })
  }
}

const DAMAGED = 'the queue file is damaged; it was left as it is: move it away to start with an empty queue'

const CODES: [prefix: string, code: QueueErrorCode, text: string][] = [
  ['SQLITE_BUSY', 'QUEUE_BUSY', 'another process is writing to the queue'],
  ['SQLITE_LOCKED', 'QUEUE_BUSY', 'another process is writing to the queue'],
  ['SQLITE_FULL', 'QUEUE_FULL', 'the disk is full'],
  ['SQLITE_IOERR', 'QUEUE_FULL', 'the disk is full or failing'],
  [
    'SQLITE_NOTADB',
    'QUEUE_UNREADABLE',
    "this isn't a queue file; it was left as it is: move it away to start with an empty queue",
  ],
  ['SQLITE_CORRUPT', 'QUEUE_UNREADABLE', DAMAGED],
  ['SQLITE_READONLY', 'QUEUE_UNWRITABLE', "the queue file can't be written"],
  ['SQLITE_CANTOPEN', 'QUEUE_UNWRITABLE', "the queue file can't be opened"],
  ['SQLITE_PERM', 'QUEUE_UNWRITABLE', "the queue file can't be opened"],
  ['SQLITE_AUTH', 'QUEUE_UNWRITABLE', "the queue file can't be opened"],
]
