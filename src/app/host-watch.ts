// Tells the other hosts of the queue of this one, every 10 s, and reads their notes: warns of a clock that is wrong,
// and, where this host leads, of hosts with another configuration. Never throws nor rejects: other parts that need the
// database report its faults.

import { randomUUID } from 'node:crypto'
import type { HostRegister, SeenHosts } from '../queue/hosts'
import { HOST_GONE_MS, type HostStats, TELL_EVERY_MS } from '../queue/stats'
import type { Eventually } from '../queue/store'
import type { MonoMs } from '../units'

/** A change of the files reaches all hosts by then. */
const DIFFERS_MS = 600_000
/** The most that a process's time may differ from the database's (take_turn_1.sql). */
const SKEW_MS = 2000
/** The clock counts as right again below this: a lower limit, so that the warning doesn't come and go. */
const NO_SKEW_MS = 1000
const TIDY_EVERY_MS = 3_600_000

export interface HostWatchOptions {
  /** Undefined: the queue is of this host alone, and nothing is told. */
  open: () => Eventually<HostRegister | undefined>
  name: string
  version: string
  /** The digest of the configuration files as they are now. */
  config: () => string
  log: (level: 'notice' | 'warn', message: string) => void
  monoMs: () => MonoMs
  everyMs?: number
}

export interface HostWatch {
  /** Tells the others that this host is gone. */
  stop(): Promise<void>
}

/** Its timer doesn't keep the process alive. */
export function watchHosts(options: HostWatchOptions): HostWatch {
  const { open, name, version, config, monoMs, everyMs = TELL_EVERY_MS } = options
  const id = randomUUID()
  const startMs = monoMs()
  const clock = new ClockWarning(options)
  const differences = new ConfigWarnings(options)
  let register: HostRegister | undefined
  let tidiedMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const tell = async () => {
    register ??= await open()
    if (register === undefined) return
    const note = { id, name, version, config: config(), upMs: monoMs() - startMs }
    const seen = await register.seen(note)
    clock.look(seen.skewMs)
    const leads = seen.leader === name
    differences.look(leads ? otherHosts(seen, id, note.config) : [])
    if (!leads || monoMs() - tidiedMs < TIDY_EVERY_MS) return
    tidiedMs = monoMs()
    await register.tidy(version)
  }
  const again = () => {
    if (isStopped) return
    timer = setTimeout(() => {
      underWay = tell()
        .catch(() => undefined)
        .then(again)
    }, everyMs)
    timer.unref()
  }
  let underWay: Promise<void> = tell()
    .catch(() => undefined)
    .then(again)

  return {
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await underWay
      try {
        await register?.gone(id)
        await register?.close()
      } catch {
        // it is forgotten later
      }
    },
  }
}

/** The hosts that run now with other files. */
function otherHosts({ hosts }: SeenHosts, ownId: string, ownConfig: string): HostStats[] {
  return hosts.filter(
    ({ id, config, silentMs }) => id !== ownId && silentMs <= HOST_GONE_MS && config !== ownConfig,
  )
}

class ClockWarning {
  readonly #log: HostWatchOptions['log']
  #isWrong = false

  constructor({ log }: HostWatchOptions) {
    this.#log = log
  }

  look(skewMs: number): void {
    const aheadS = Math.round(skewMs / 1000)
    if (!this.#isWrong && Math.abs(skewMs) > SKEW_MS) {
      this.#isWrong = true
      const where = aheadS > 0 ? `${aheadS} s ahead of` : `${-aheadS} s behind`
      this.#log('warn', `this host's clock is ${where} the queue's; the queue's counts`)
    } else if (this.#isWrong && Math.abs(skewMs) < NO_SKEW_MS) {
      this.#isWrong = false
      this.#log('notice', "this host's clock is right again: it agrees with the queue's")
    }
  }
}

class ConfigWarnings {
  readonly #log: HostWatchOptions['log']
  readonly #monoMs: () => MonoMs
  /** Since when a host has differed, by its name; told: it was warned of. */
  readonly #differing = new Map<string, { sinceMs: MonoMs; isTold: boolean }>()

  constructor({ log, monoMs }: HostWatchOptions) {
    this.#log = log
    this.#monoMs = monoMs
  }

  look(others: readonly HostStats[]): void {
    const nowMs = this.#monoMs()
    const names = new Set(others.map(({ name }) => name))
    for (const name of this.#differing.keys()) if (!names.has(name)) this.#differing.delete(name)
    for (const name of names) {
      const since = this.#differing.get(name) ?? { sinceMs: nowMs, isTold: false }
      this.#differing.set(name, since)
      if (since.isTold || nowMs - since.sinceMs < DIFFERS_MS) continue
      since.isTold = true
      const minutes = Math.round(DIFFERS_MS / 60_000)
      this.#log('warn', `host ${name} has another configuration than this one, for ${minutes} minutes`)
    }
  }
}
