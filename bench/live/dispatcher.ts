// Starts a dispatcher as the product's supervisor does, on a Haraka directory without Haraka.
// Rejects with its output if it ends before it dispatches.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isFromDispatcher } from '../../src/dispatch/messages'
import { emulatorEnv } from '../../test/live/support/haraka'
import { packageFolder } from '../../test/live/support/package-folder'
import { makeFolder, removeFolder } from './folder'

const START_MS = 20_000
const STOP_MS = 5000

export class DispatcherProcess {
  readonly dir = makeFolder()
  readonly queueFile = path.join(this.dir, 'ses-bounce/queue.sqlite')
  #child: ChildProcess | undefined
  #said = ''

  /** `settings`: the text of ses-bounce.ini. */
  constructor(settings: string) {
    mkdirSync(path.join(this.dir, 'config'))
    writeFileSync(path.join(this.dir, 'config/ses-bounce.ini'), settings)
    mkdirSync(path.dirname(this.queueFile), { mode: 0o700 })
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the dispatcher is not started')
    return this.#child.pid
  }

  /** Resolves when it dispatches. */
  async start(): Promise<void> {
    const child = fork(path.join(packageFolder(), 'dist/src/dispatch/main.js'), [this.dir], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: emulatorEnv(),
    })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      const fail = () =>
        reject(new Error(`the dispatcher does not dispatch; it said: ${this.#said.slice(-2000)}`))
      const timer = setTimeout(fail, START_MS)
      child.once('exit', fail)
      child.on('message', message => {
        if (!isFromDispatcher(message)) return
        if (message.level !== 'info') this.#said += `${message.message}\n`
        if (!message.message.endsWith(' dispatching')) return
        clearTimeout(timer)
        child.off('exit', fail)
        resolve()
      })
    })
  }

  /** Tells it of a new job, as Haraka's master does. */
  wake(): void {
    this.#child?.send({ event: 'wake' })
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child && child.exitCode === null && child.signalCode === null) {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      child.kill('SIGTERM')
      await once(child, 'exit')
      clearTimeout(timer)
    }
    removeFolder(this.dir)
  }
}

/** The text of ses-bounce.ini. */
export function settingsText(sections: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  return Object.entries(sections)
    .map(([name, keys]) =>
      [`[${name}]`, ...Object.entries(keys).map(([key, value]) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n')
}
