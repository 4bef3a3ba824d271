// A few threads, and the tasks that wait for one. The first thread starts when it is needed, another one when a task has
// waited for a moment, so that a hostile mail doesn't delay others. Idle threads end, except the first.

import { errorMessage } from '../errors'
import { TaskThread, type ThreadOptions } from './task-thread'
import type { Asked, Job } from './tasks'
import { WorkerThreadError } from './worker-thread-error'

/** Waiting time before another thread starts: most tasks take less than a millisecond, starting a thread some 60 ms. */
const START_ANOTHER_MS = 20
const IDLE_MS = 10_000
/** Together with reading the mail and the task itself this stays below the 30 s that Haraka gives a plugin. */
const LONGEST_WAIT_MS = 10_000

export interface PoolOptions extends ThreadOptions {
  /** The most threads at a time. */
  most: number
}

interface Waiting extends Job {
  /** The beginning of the task, in milliseconds of the monotonic clock. */
  sinceMs: number
}

export class ThreadPool {
  readonly #options: PoolOptions
  readonly #waiting: Waiting[] = []
  readonly #threads = new Set<TaskThread>()
  #another: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  run(
    task: Asked,
    timeoutMs: number,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<{ answer: unknown; tookMs: number }> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closed())
        return
      }
      this.#waiting.push({ task, timeoutMs, transfer, sinceMs: performance.now(), resolve, reject })
      this.#next()
    })
  }

  /** All waiting tasks reject. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#another)
    clearTimeout(this.#idle)
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
    for (const thread of this.#threads) thread.end(closed())
  }

  #next(): void {
    for (;;) {
      const first = this.#waiting[0]
      if (first === undefined) return
      if (performance.now() - first.sinceMs > LONGEST_WAIT_MS) {
        this.#waiting.shift()
        first.reject(new WorkerThreadError('too many mails wait for their content to be read'))
        continue
      }
      const free = [...this.#threads].find(thread => !thread.isBusy) ?? this.#start(first)
      if (free === undefined) return
      this.#waiting.shift()
      free.run(first)
    }
  }

  /** Undefined: no thread may be started now. */
  #start(first: Waiting): TaskThread | undefined {
    const { size } = this.#threads
    if (size >= this.#options.most) return undefined
    const waitMs = size === 0 ? 0 : first.sinceMs + START_ANOTHER_MS - performance.now()
    if (waitMs > 0) {
      clearTimeout(this.#another)
      this.#another = setTimeout(() => this.#next(), waitMs)
      return undefined
    }
    try {
      const thread = new TaskThread(this.#options, freed => this.#freed(freed))
      this.#threads.add(thread)
      return thread
    } catch (error) {
      this.#waiting.shift()
      first.reject(new WorkerThreadError(`its thread can't be started: ${errorMessage(error)}`))
      return undefined
    }
  }

  #freed(thread: TaskThread): void {
    if (thread.isDead) this.#threads.delete(thread)
    this.#next()
    if (this.#threads.size < 2 || this.#isClosed) return
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#endIdle(), IDLE_MS)
    this.#idle.unref()
  }

  #endIdle(): void {
    const [, ...others] = [...this.#threads].filter(thread => !thread.isBusy)
    for (const thread of others) thread.end(new WorkerThreadError('it is idle'))
  }
}

function closed(): WorkerThreadError {
  return new WorkerThreadError('this process is ending')
}
