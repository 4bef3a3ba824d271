// The real dispatcher on the real store, on a machine whose time goes wrong, and claims that hold whatever happens.
// A claim that is broken fails the test that runs the machine.

import assert from 'node:assert/strict'
import path from 'node:path'
import { loadSettings, parseSettings } from '../../src/config/load'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import type { Ses } from '../../src/dispatch/ses'
import type { Outcome } from '../../src/queue/effects'
import { thisProcess } from '../../src/queue/lease-owner'
import {
  openDispatcherQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import { request, temporaryFolder } from '../queue/support'
import { World } from './world'

const MINUTE_MS = 60_000
const MARGIN_MS = MINUTE_MS
const SPACING_MS = 1005
const INI = '[limit]\ninterval = 1s\nslack = 5ms\n[window]\nmargin = 1m\n[queue]\nretry = 2s..1m\n'
/** A clock that was set back by less than the longest pause can't be told from a pause: it is waited for, once each. */
const LONGEST_WAIT_MS = 50 * MINUTE_MS
/** No process has it: Linux gives at most 2^22 (proc(5), pid_max). */
const DEAD_PID = 2 ** 30

interface Mails {
  do: 'add'
  region: string
  bounceSender: string
  mails: number
  /** From now to their deadline. */
  windowMs: number
}

export interface Happening {
  /** The one before. */
  afterMs: number
  what:
    | Mails
    | { do: 'set the clock'; byMs: number }
    | { do: 'kill' | 'reboot' }
    | { do: 'stand still' | 'sleep'; ms: number }
}

/** An answer of SES. */
export interface Scripted {
  latencyMs: number
  outcome: Outcome
}

export class Machine {
  readonly #world = new World()
  readonly #home = temporaryFolder()
  readonly #file = path.join(this.#home.folder, 'queue.sqlite')
  readonly #worker: SqliteWorkerQueue = openWorkerQueue(this.#file, { create: true })
  readonly #reader = openQueueReader(this.#file)
  readonly #settings = loadSettings(parseSettings(INI), {}).settings
  /** SES's answers to the next calls; then it makes every bounce. */
  readonly #scripted: Scripted[]
  /** True time of the last call, by region. */
  readonly #lastCallMs = new Map<string, number>()
  /** Faults that were seen. */
  readonly #wrong: string[] = []
  #deaths = 0
  #bounces = 0
  #taken = 0
  #running: { dispatcher: Dispatcher; queue: SqliteDispatcherQueue; ended: Promise<void> } | undefined

  constructor(scripted: readonly Scripted[]) {
    this.#scripted = [...scripted]
  }

  async live(script: readonly Happening[]): Promise<void> {
    this.#start()
    for (const { afterMs, what } of script) {
      await this.#world.run(() => false, afterMs)
      this.#happen(what)
    }
    const isOver = await this.#world.run(() => !this.#waits() || this.#wrong.length > 0, LONGEST_WAIT_MS)
    assert.deepEqual(this.#wrong, [])
    assert.ok(
      isOver,
      `these wait for ever: ${JSON.stringify([...this.#reader.jobs({ states: ['queued'] })])}`,
    )
    const { sent } = this.#reader.countByState()
    assert.ok(this.#bounces >= sent && this.#bounces <= this.#taken + this.#deaths, 'no bounce twice')
  }

  async close(): Promise<void> {
    const running = this.#running
    running?.dispatcher.stop()
    let hasEnded = false
    void running?.ended.then(() => (hasEnded = true))
    if (running) assert.ok(await this.#world.run(() => hasEnded, MINUTE_MS), 'the dispatcher ends')
    running?.queue.close()
    this.#worker.close()
    this.#reader.close()
    this.#home.remove()
  }

  #happen(what: Happening['what']): void {
    const world = this.#world
    switch (what.do) {
      case 'add':
        for (let n = 0; n < what.mails; n++) this.#add(what)
        break
      case 'set the clock':
        world.setWallClock(what.byMs)
        break
      case 'stand still':
        world.standStill(what.ms)
        break
      case 'sleep':
        world.sleep(what.ms)
        break
      case 'kill':
      case 'reboot':
        if (what.do === 'kill') world.killAll()
        else world.startAgain()
        this.#running?.queue.close()
        this.#deaths += 1
        this.#start()
    }
  }

  #add({ region, bounceSender, windowMs }: Mails): void {
    const nowMs = this.#world.nowMs()
    this.#taken += 1
    const sesId = `mail${this.#taken}`
    this.#worker.add(
      [request({ sesId, region, bounceSender, receivedAtMs: nowMs, deadlineMs: nowMs + windowMs })],
      nowMs,
    )
  }

  #start(): void {
    const queue = openDispatcherQueue(this.#file, {
      owner: {
        ...thisProcess(),
        pid: DEAD_PID,
        pidStart: 'dead as soon as another one asks',
        bootId: this.#world.bootId,
      },
    })
    const dispatcher = new Dispatcher({
      queue: this.#watched(queue),
      ses: this.#ses(),
      clock: this.#world,
      settings: () => this.#settings,
      log: () => undefined,
    })
    const ended = dispatcher.run().catch((error: unknown) => void this.#wrong.push(String(error)))
    this.#running = { dispatcher, queue, ended }
  }

  #watched(queue: SqliteDispatcherQueue): SqliteDispatcherQueue {
    const expire = queue.expire.bind(queue)
    queue.expire = (...parameters) => {
      const expired = expire(...parameters)
      const nowMs = this.#world.nowMs()
      for (const { id, deadlineMs } of expired) {
        if (deadlineMs - MARGIN_MS >= nowMs)
          this.#wrong.push(`${id} expired ${deadlineMs - MARGIN_MS - nowMs} ms before its time`)
      }
      return expired
    }
    return queue
  }

  #ses(): Ses {
    const world = this.#world
    return {
      prepare: () => undefined,
      sendBounce: region => {
        const gapMs = world.trueMs - (this.#lastCallMs.get(region) ?? Number.NEGATIVE_INFINITY)
        this.#lastCallMs.set(region, world.trueMs)
        if (gapMs < SPACING_MS) this.#wrong.push(`a call ${gapMs} ms after the one before`)
        const { latencyMs, outcome } = this.#scripted.shift() ?? {
          latencyMs: 50,
          outcome: { kind: 'sent', messageId: 'bounce' },
        }
        if (outcome.kind === 'sent') this.#bounces += 1
        const seenMonoMs = world.monoMs()
        return new Promise(resolve => world.after(latencyMs, () => resolve({ outcome, seenMonoMs })))
      },
      warmUp: () => Promise.resolve(),
      close: () => undefined,
    }
  }

  #waits(): boolean {
    const { queued, sending } = this.#reader.countByState()
    return queued + sending > 0
  }
}
