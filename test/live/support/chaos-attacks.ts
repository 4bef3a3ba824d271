// How the attacks of a plan are carried out on the pair. Each is on record with what it did, and when.
// One that finds nothing to attack is a miss, not a failure; whatever was stopped, filled or locked is free in the end.

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { AGAIN_MS, AIM_MS, fillDisk, lock, open } from './chaos-files'
import type { Attack, Instance, PlannedMail, Victim } from './chaos-plan'
import { prepare, type Relays } from './chaos-relays'
import type { ChaosSes } from './chaos-ses'
import { type HarakaPair, SLOW_HEADER } from './haraka-pair'

/** A harm to a process that had the lock at that time: its calls may have been interrupted by it. */
export interface Harm {
  what: 'kill' | 'stop'
  /** Milliseconds since the epoch. */
  fromMs: number
  toMs: number
}

/** The outcome of an attack. */
export interface Struck {
  attack: Attack
  hit: boolean
}

export interface Field {
  pair: HarakaPair
  relays: Relays
  ses: ChaosSes
  /** Whether the disk may be filled: it is small, and nobody else's. */
  disk: string | undefined
}

/** A call that was about to be made when its process was stopped is there by then, or it won't come. */
const ON_ITS_WAY_MS = 100

export class Attackers {
  readonly harms: Harm[] = []
  readonly struck: Struck[] = []
  readonly #field: Field
  readonly #stopped = new Set<number>()

  constructor(field: Field) {
    this.#field = field
  }

  /** Resolves when all are over. Attacks overlap: each begins at its time. */
  async attackAll(attacks: readonly Attack[]): Promise<void> {
    const startMs = performance.now()
    await Promise.all(
      attacks.map(async attack => {
        await pause(attack.atMs - (performance.now() - startMs))
        this.struck.push({ attack, hit: await this.#strike(attack) })
      }),
    )
  }

  /** Wakes all processes that are stopped. */
  end(): void {
    for (const pid of this.#stopped) this.#field.pair.signal(pid, 'SIGCONT')
  }

  #strike(attack: Attack): Promise<boolean> {
    switch (attack.kind) {
      case 'kill':
        return Promise.resolve(
          this.#kill(this.#field.pair.pids(attack.instance, attack.what)[0], attack.what),
        )
      case 'stop':
        return this.#stop(this.#field.pair.pids(attack.instance, attack.what)[0], attack)
      case 'kill in call':
        return this.#killInCall()
      case 'stop before call':
        return this.#stopBeforeCall(attack.forMs)
      case 'kill before 250':
        return this.#killBefore250(attack.instance)
      case 'full disk':
        return fillDisk(this.#field.disk, attack.forMs)
      case 'lock':
        return lock(this.#field.pair.queueFile, attack.forMs)
    }
  }

  #kill(pid: number | undefined, what: Victim): boolean {
    if (pid === undefined) return false
    const isHolder = what === 'dispatcher' && this.#field.pair.mayHold(pid)
    const nowMs = Date.now()
    if (!this.#field.pair.signal(pid, 'SIGKILL')) return false
    if (isHolder) this.harms.push({ what: 'kill', fromMs: nowMs, toMs: nowMs })
    return true
  }

  async #stop(pid: number | undefined, { what, forMs }: Extract<Attack, { kind: 'stop' }>): Promise<boolean> {
    if (pid === undefined || this.#stopped.has(pid)) return false
    const isHolder = what === 'dispatcher' && this.#field.pair.mayHold(pid)
    const fromMs = Date.now()
    if (!this.#field.pair.signal(pid, 'SIGSTOP')) return false
    this.#stopped.add(pid)
    await pause(forMs)
    this.#goOn(pid, isHolder, fromMs)
    return true
  }

  #goOn(pid: number, isHolder: boolean, fromMs: number): void {
    this.#field.pair.signal(pid, 'SIGCONT')
    this.#stopped.delete(pid)
    if (isHolder) this.harms.push({ what: 'stop', fromMs, toMs: Date.now() })
  }

  async #killInCall(): Promise<boolean> {
    const { ses, pair } = this.#field
    let forget: () => void = () => undefined
    const struck = new Promise<boolean>(resolve => {
      forget = ses.onCall(() => resolve(this.#kill(pair.holder(), 'dispatcher')))
    })
    const hit = await Promise.race([struck, pause(AIM_MS, false, { ref: false })])
    forget()
    return hit
  }

  async #stopBeforeCall(forMs: number): Promise<boolean> {
    const { pair } = this.#field
    const endMs = performance.now() + AIM_MS
    while (performance.now() < endMs) {
      const begun = await this.#begun(endMs)
      const pid = begun === undefined ? undefined : pair.holder()
      if (begun === undefined || pid === undefined || this.#stopped.has(pid)) {
        await pause(AGAIN_MS)
        continue
      }
      const fromMs = Date.now()
      pair.signal(pid, 'SIGSTOP')
      this.#stopped.add(pid)
      await pause(ON_ITS_WAY_MS)
      const isHit = this.#callsFor(begun.sesId) === begun.callsBefore
      if (isHit) await pause(forMs)
      this.#goOn(pid, true, fromMs)
      if (isHit) return true
    }
    return false
  }

  #callsFor(sesId: string): number {
    return this.#field.ses.calls.filter(call => call.sesId === sesId).length
  }

  /** The mail of a call that begins now. */
  async #begun(endMs: number): Promise<{ sesId: string; callsBefore: number } | undefined> {
    const database = open(this.#field.pair.queueFile)
    if (database === undefined) return undefined
    const sending = (state: 0 | 1) =>
      database.get("SELECT ses_id FROM job WHERE state = 'sending' AND call_begun = ?", state)?.['ses_id']
    try {
      while (performance.now() < endMs) {
        // one that was claimed a turn ago, and not one that has been on its way for long
        const claimed = sending(0)
        const callsBefore = this.#callsFor(String(claimed))
        await turn()
        if (claimed !== undefined && sending(1) === claimed) return { sesId: String(claimed), callsBefore }
      }
    } catch {
      // it can't be read now
    } finally {
      database.close()
    }
    return undefined
  }

  async #killBefore250(instance: Instance): Promise<boolean> {
    const { pair, relays } = this.#field
    const mail: PlannedMail = { ...AMBUSHED, instance }
    const prepared = prepare(mail, { [SLOW_HEADER]: 'yes' })
    const { sesId, replies } = prepared.relayed
    const delivered = relays.deliver(mail, prepared)
    const endMs = performance.now() + AIM_MS
    let hit = false
    while (!hit && replies.length === 0 && performance.now() < endMs) {
      const isTaken = pair.look(database => database.get('SELECT 1 FROM job WHERE ses_id = ?', sesId))
      if (isTaken !== undefined) {
        const killed = pair.pids(instance, 'worker').map(pid => pair.signal(pid, 'SIGKILL'))
        hit = killed.includes(true) && replies.length === 0
        break
      }
      await pause(AGAIN_MS)
    }
    await delivered
    return hit
  }
}

const AMBUSHED: Omit<PlannedMail, 'instance'> = {
  atMs: 0,
  relay: 0,
  region: 'eu-west-1',
  recipients: ['unknown-1@yours.example', 'friend-1@yours.example'],
  answer: 'heard',
}
