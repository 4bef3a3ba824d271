// Keeps one dispatcher process running next to Haraka, as the user that Haraka's workers run as.
// If it dies, or can't be started, it is started again at growing intervals. It ends with its parent.
// Only the first start throws.

import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { homeOf } from '../config/owner'
import { errorMessage } from '../errors'
import { type QueuePlace, toEnvironment } from '../queue/target'
import { isFromDispatcher, type ToDispatcher } from './messages'
import type { Log } from './region-sender'

export interface SupervisorOptions {
  harakaDir: string
  /** Where the workers' queue is. */
  place: QueuePlace
  owner: { uid?: number; gid?: number }
  log: Log
}

export interface Supervisor {
  /** Tells the dispatcher of a new job. */
  wake(): void
  /** Lets the dispatcher finish the call in progress. Resolves when its process has ended; never rejects. */
  stop(): Promise<void>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000
/** A process that ran so long hasn't failed at its start. */
const STEADY_MS = 10_000

export function superviseDispatcher(options: SupervisorOptions): Supervisor {
  const { log } = options
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let pauseMs = FIRST_PAUSE_MS

  start()
  return {
    wake: () => send({ event: 'wake' }),
    stop: () => {
      stopped = true
      clearTimeout(timer)
      send({ event: 'stop' })
      // neither the process nor its channel keeps Haraka running
      child?.unref()
      child?.channel?.unref()
      return ended(child)
    },
  }

  function start(): void {
    const startedMs = performance.now()
    const started = fork(path.join(__dirname, 'main.js'), [options.harakaDir], {
      ...options.owner,
      env: { ...process.env, ...homeIn(options.owner), ...toEnvironment(options.place) },
      // Haraka's own flags (a debugger's port, say) aren't the dispatcher's
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child = started
    started.on('message', message => {
      if (isFromDispatcher(message)) log(message.level, message.message)
    })
    started.on('error', error => {
      // without a process there is no exit either
      if (started.pid === undefined) again(error.message, 0)
      else log('error', `dispatcher: ${error.message}`)
    })
    started.once('exit', (code, signal) =>
      again(signal ?? `exit code ${code}`, performance.now() - startedMs),
    )
  }

  function again(how: string, livedMs: number): void {
    if (stopped) return
    pauseMs = livedMs >= STEADY_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    log('warn', `the dispatcher ended (${how}); it starts again in ${pauseMs} ms`)
    timer = setTimeout(() => {
      try {
        start()
      } catch (error) {
        // an exception in a timer would end Haraka
        again(errorMessage(error), 0)
      }
    }, pauseMs)
    timer.unref()
  }

  function send(message: ToDispatcher): void {
    // a dispatcher that has just died finds the job when it is started again
    if (child?.connected) child.send(message, () => undefined)
  }
}

/** The home of the dispatcher's user, if root starts it: the AWS SDK looks for ~/.aws, and root's can't be read. */
function homeIn({ uid }: SupervisorOptions['owner']): { HOME?: string } {
  const home = uid === undefined || process.geteuid?.() !== 0 ? undefined : homeOf(uid)
  return home === undefined ? {} : { HOME: home }
}

function ended(child: ChildProcess | undefined): Promise<void> {
  // without a pid it never started
  const isOver = child?.pid === undefined || child.exitCode !== null || child.signalCode !== null
  return isOver ? Promise.resolve() : new Promise(resolve => child.once('exit', () => resolve()))
}
