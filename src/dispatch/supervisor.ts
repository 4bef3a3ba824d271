// Keeps one dispatcher process running beside Haraka, as the user that Haraka's workers run as.
// When it dies it is started again, at growing intervals while it doesn't live a second; it dies with its parent.

import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { isFromDispatcher, type ToDispatcher } from './messages'
import type { Log } from './region-lane'

export interface SupervisorOptions {
  harakaDir: string
  owner: { uid?: number; gid?: number }
  log: Log
}

export interface Supervisor {
  /** There is a new job. */
  wake(): void
  /** Lets the dispatcher finish the call that is on its way. */
  stop(): void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000
/** A process that lived so long didn't fail at its start. */
const STEADY_MS = 1000

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
      // neither the process nor its channel may hold Haraka back
      child?.unref()
      child?.channel?.unref()
    },
  }

  function start(): void {
    const startedMs = performance.now()
    child = fork(path.join(__dirname, 'main.js'), [options.harakaDir], {
      ...options.owner,
      // Haraka's own flags (a debugger's port, say) aren't the dispatcher's
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.on('message', message => {
      if (isFromDispatcher(message)) log(message.level, message.message)
    })
    child.on('error', error => log('error', `dispatcher: ${error.message}`))
    child.once('exit', (code, signal) => {
      if (stopped) return
      pauseMs =
        performance.now() - startedMs >= STEADY_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      log('warn', `the dispatcher ended (${signal ?? `exit code ${code}`}); it starts again in ${pauseMs} ms`)
      timer = setTimeout(start, pauseMs)
      timer.unref()
    })
  }

  function send(message: ToDispatcher): void {
    // a dispatcher that has just died finds the job itself when it is back
    if (child?.connected) child.send(message, () => undefined)
  }
}
