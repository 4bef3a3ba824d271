// A Haraka whose wall clock is set, and whose processes stand still, while it runs.
// Everything of it goes by the new time from the next look at the clock on; the machine's own isn't touched.

import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Call } from '../../../src/ses-emulator/call'
import type { SesEmulator } from '../../../src/ses-emulator/options'
import { until } from './wait'

const SHIM = path.join(__dirname, 'time-shim.js')
export class FalseTime {
  readonly #folder: string
  #offsetMs = 0

  constructor() {
    this.#folder = mkdtempSync(path.join(os.tmpdir(), 'false-time-'))
    this.#write('offset', '0')
  }

  /** For the Haraka's environment. */
  get env(): Record<string, string> {
    return { NODE_OPTIONS: `--require=${SHIM}`, FALSE_TIME: this.#folder }
  }

  /** Milliseconds since the epoch, by that Haraka's clock. */
  nowMs(): number {
    return Date.now() + this.#offsetMs
  }

  /** While a call is on its way, SES finds its signature an hour old: see `stepAfterCall`. */
  step(ms: number): void {
    this.#offsetMs += ms
    this.#write('offset', String(this.#offsetMs))
  }

  /** Sets the clock before that call is answered, and after SES has looked at its signature. */
  stepAfterCall(ses: SesEmulator, number: number, ms: number): void {
    const onCall = (call: Call) => {
      if (call.number !== number) return
      ses.off('call', onCall)
      this.step(ms)
    }
    ses.on('call', onCall)
  }

  /** Keeps the event loop of a process busy; resolves when it is free again. */
  async stall(pid: number, ms: number): Promise<void> {
    this.#write(`stall.${pid}`, String(ms))
    const file = path.join(this.#folder, `stall.${pid}`)
    await until(() => !existsSync(file), { what: `process ${pid} to be free again` })
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Never half written. */
  #write(name: string, text: string): void {
    const file = path.join(this.#folder, name)
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
}
