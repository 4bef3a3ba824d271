// Has mail sent by a process of its own. Rejects when a mail isn't taken, also when it came again.

import { type ChildProcess, fork } from 'node:child_process'

export interface SendTask {
  port: number
  count: number
  /** At once. */
  connections: number
  /** Over one connection, before another is opened. */
  mailsEach: number
  /** From one mail to the next; 0: as fast as they are taken. */
  everyMs: number
}

export interface Sent {
  /** How often a mail had to come again, as it was refused for the moment. */
  again: number
  /** Of 100 mails 99 were taken in that time or less. */
  slowMs: number
}

export type Report = Sent & { fault: string | undefined }

export class Relay {
  readonly #child: ChildProcess = fork(require.resolve('./relay-process'), { serialization: 'advanced' })

  /** Resolves when all of them are taken. */
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
