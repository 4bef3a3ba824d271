// One thread, and the tasks that wait for it. It is started when it is first needed, and again after it died.
// A task that takes too long, or that the thread dies of, rejects; the others don't notice.

import { Worker } from 'node:worker_threads'
import type { Answered, Asked, TaskName } from './tasks'

export class AsideError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AsideError'
  }
}

const WORK: Record<TaskName, string> = { content: 'reading its content', search: 'searching its text' }
/** A mail's own memory and some more; hostile ones can't have all that the machine has. */
const MEMORY_MB = 512
/** With the task's own time below the 30 s that Haraka gives a plugin. */
const LONGEST_WAIT_MS = 15_000

interface Waiting {
  task: Asked
  timeoutMs: number
  /** By the clock that is never set. */
  sinceMs: number
  resolve: (done: { answer: unknown; tookMs: number }) => void
  reject: (error: Error) => void
}

export class Lane {
  readonly #program: string
  readonly #waiting: Waiting[] = []
  #worker: Worker | undefined
  #running: Waiting | undefined
  #timer: NodeJS.Timeout | undefined

  /** `program`: the file that the thread runs. */
  constructor(program: string) {
    this.#program = program
  }

  run(task: Asked, timeoutMs: number): Promise<{ answer: unknown; tookMs: number }> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, timeoutMs, sinceMs: performance.now(), resolve, reject })
      this.#next()
    })
  }

  /** Whatever waits rejects. */
  close(): void {
    const closed = new AsideError('this process is ending')
    for (const { reject } of this.#waiting.splice(0)) reject(closed)
    this.#drop(closed)
  }

  #next(): void {
    if (this.#running !== undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) {
      // an idle thread doesn't keep the process alive
      this.#worker?.unref()
      return
    }
    if (performance.now() - next.sinceMs > LONGEST_WAIT_MS) {
      next.reject(new AsideError('too many mails wait for their content to be read'))
      this.#next()
      return
    }
    this.#running = next
    this.#start(next)
  }

  #start(waiting: Waiting): void {
    try {
      this.#worker ??= this.#startWorker()
      this.#worker.ref()
      this.#worker.postMessage(waiting.task)
    } catch (error) {
      this.#drop(new AsideError(`its thread can't be started: ${String(error)}`))
      return
    }
    const { task, timeoutMs } = waiting
    this.#timer = setTimeout(() => {
      this.#drop(new AsideError(`${WORK[task.name]} takes longer than ${(timeoutMs / 1000).toFixed(1)} s`))
    }, timeoutMs)
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#program, { resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } })
    const isOurs = () => this.#worker === worker
    worker.on('message', (answered: Answered) => {
      if (isOurs()) this.#answered(answered)
    })
    worker.on('error', error => {
      if (isOurs()) this.#drop(new AsideError(`its thread died: ${error.message}`))
    })
    worker.on('exit', code => {
      if (isOurs()) this.#drop(new AsideError(`its thread ended with ${code}`))
    })
    return worker
  }

  #answered(answered: Answered): void {
    const done = this.#running
    this.#end()
    if ('fault' in answered) done?.reject(new AsideError(answered.fault))
    else done?.resolve(answered)
    this.#next()
  }

  /** The thread can't be used any more. */
  #drop(why: AsideError): void {
    const worker = this.#worker
    this.#worker = undefined
    worker?.terminate().catch(() => undefined)
    const failed = this.#running
    this.#end()
    failed?.reject(why)
    this.#next()
  }

  #end(): void {
    this.#running = undefined
    clearTimeout(this.#timer)
  }
}
