// One thread, which runs one task at a time. If a task takes too long or kills the thread, it rejects and the thread
// ends. Other tasks aren't affected.

import { Worker } from 'node:worker_threads'
import { errorMessage } from '../errors'
import { UnreadableError } from '../mail/unreadable'
import type { Job, TaskAnswer, TaskName } from './tasks'
import { WorkerThreadError } from './worker-thread-error'

const WORK: Record<TaskName, string> = {
  content: 'reading its content',
  preview: 'reading its text',
  search: 'searching its text',
}
/** V8's young generation: texts are short-lived, so a larger one would only use more memory. */
const YOUNG_MB = 8

export interface ThreadOptions {
  /** Path of the program that it runs. */
  program: string
  /** Limit of its heap. The bytes of mails aren't part of it. */
  memoryMb: number
}

export class TaskThread {
  readonly #worker: Worker
  readonly #freed: (thread: TaskThread) => void
  #running: Job | undefined
  #timer: NodeJS.Timeout | undefined
  #isDead = false

  /** `freed` is called when its task is done, and when the thread has ended. @throws if the thread can't be started */
  constructor({ program, memoryMb }: ThreadOptions, freed: (thread: TaskThread) => void) {
    this.#freed = freed
    this.#worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
    })
    this.#worker.on('message', (answered: TaskAnswer) => this.#answered(answered))
    this.#worker.on('error', error => this.end(new WorkerThreadError(`its thread died: ${error.message}`)))
    this.#worker.on('exit', code => this.end(new WorkerThreadError(`its thread ended with ${code}`)))
  }

  get isBusy(): boolean {
    return this.#running !== undefined
  }

  get isDead(): boolean {
    return this.#isDead
  }

  run(job: Job): void {
    this.#running = job
    this.#worker.ref()
    try {
      this.#worker.postMessage(job.task, job.transfer)
    } catch (error) {
      this.end(new WorkerThreadError(`its thread can't get the task: ${errorMessage(error)}`))
      return
    }
    const { task, timeoutMs } = job
    this.#timer = setTimeout(() => {
      this.end(
        new WorkerThreadError(`${WORK[task.name]} takes longer than ${(timeoutMs / 1000).toFixed(1)} s`),
      )
    }, timeoutMs)
  }

  /** Its task rejects with the reason. */
  end(why: WorkerThreadError): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#worker.terminate().catch(() => undefined)
    this.#finish()?.reject(why)
    this.#freed(this)
  }

  #answered(answered: TaskAnswer): void {
    if (this.#isDead) return
    const job = this.#finish()
    // an idle thread doesn't keep the process alive
    this.#worker.unref()
    if ('fault' in answered)
      job?.reject(
        answered.isUnreadable ? new UnreadableError(answered.fault) : new WorkerThreadError(answered.fault),
      )
    else job?.resolve(answered)
    this.#freed(this)
  }

  #finish(): Job | undefined {
    const job = this.#running
    this.#running = undefined
    clearTimeout(this.#timer)
    return job
  }
}
