// Sends mail from another process. Rejects if a mail isn't accepted, even after several attempts.

import { type ChildProcess, fork } from 'node:child_process'

export interface SendTask {
  port: number
  count: number
  /** Connections at a time. */
  connections: number
  /** Mails over one connection before another is opened. */
  mailsEach: number
  /** Time from one mail to the next. 0: as fast as they are accepted. */
  everyMs: number
}

export interface Sent {
  /** Number of mails that were sent again after a temporary refusal. */
  again: number
  /** The time in which 99 of 100 mails were accepted. */
  slowMs: number
}

export type Report = Sent & { fault: string | undefined }

export class Relay {
  readonly #child: ChildProcess = fork(require.resolve('./relay-process'), { serialization: 'advanced' })

  /** Resolves when all are accepted. */
  send(task: SendTask): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the relay has ended'))
      this.#child.once('exit', ended)
      this.#child.once('message', (report: Report) => {
        this.#child.off('exit', ended)
        if (report.fault === undefined) resolve(report)
        else reject(new Error(report.fault))
      })
      this.#child.send(task)
    })
  }

  close(): void {
    this.#child.disconnect()
  }
}
