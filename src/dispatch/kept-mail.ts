// Moves kept mail when its jobs have changed: mail that SES has bounced is deleted, other mail goes to the quarantine.
// Crashes lose nothing, as the queue notes the work to do, and the folders are checked too. Never rejects; faults are
// logged, not too often, and the work is tried again.

import type { Settings } from '../config/settings'
import { errorMessage } from '../errors'
import { bringInOrder, type InOrder, orphanRecord } from '../quarantine/bring-in-order'
import { WRITING_MS } from '../quarantine/clean'
import type { MailStore, StoredFile } from '../quarantine/mail-store'
import { type QuarantineReason, reasonKind } from '../quarantine/reasons'
import { senderOf } from '../quarantine/record'
import {
  fateOf,
  LOST_REMOVAL_MS,
  MAIL_PLACES,
  type MailFile,
  type MailLedger,
  removeUnused,
  storageKey,
} from '../queue/mail-ledger'
import type { EpochMs } from '../units'
import type { Clock } from './clock'
import { Fullness } from './fullness'
import type { Log } from './region-sender'

export interface KeptMailParts {
  ledger: MailLedger
  store: MailStore
  /** Whether this host's dispatcher leads. */
  leads: () => boolean
  /** Counts a mail that comes to the quarantine. */
  quarantined: (reason: QuarantineReason) => void
  settings: () => Settings
  clock: Clock
  log: Log
  stop: AbortSignal
}

/** Short, so that the mail of a cancelled job is soon in the quarantine. Each check is one cheap query. */
const LOOK_MS = 500
/** After this time the mail is looked at without a change in the queue too, as mail may have been deleted by hand. */
const LOOK_ANYWAY_MS = 10_000
/** Due mails in one check. */
const AT_ONCE = 100
/** Age after which mail without a job is deleted: it got no 250, so the relay has delivered it again. */
const UNUSED_MS = 86_400_000
/** Due mail without a file was deleted by hand, or is in the folders of another Haraka, whose dispatcher handles it. */
const FORGET_DUE_MS = 3_600_000
const SAID_EVERY_MS = 3_600_000

export class KeptMail {
  readonly #parts: KeptMailParts
  readonly #fullness: Fullness
  #version = -1
  #lookedMs = Number.NEGATIVE_INFINITY
  #saidMs = Number.NEGATIVE_INFINITY
  #countedTo: MailFile | undefined
  /** Due mail without a file, which isn't searched each time. */
  readonly #elsewhere = new Set<string>()

  constructor(parts: KeptMailParts) {
    this.#parts = parts
    this.#fullness = new Fullness(parts)
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    const { clock, stop, store, leads } = this.#parts
    let sweptMs = Number.NEGATIVE_INFINITY
    while (!stop.aborted) {
      if (store.isOfAllHosts && !leads()) {
        await clock.waitUntil(clock.monoMs() + LOOK_MS, stop)
        continue
      }
      await this.#try(() => this.#due())
      if (clock.monoMs() - sweptMs >= store.sweepPauseMs) {
        sweptMs = clock.monoMs()
        this.#elsewhere.clear()
        await this.#try(() => this.#sweepMail())
        await this.#try(() => this.#sweepCounts())
      }
      await clock.waitUntil(clock.monoMs() + LOOK_MS, stop)
    }
    await store.close()
  }

  /** Handles mail that the queue has noted. */
  async #due(): Promise<void> {
    const { ledger, clock, stop } = this.#parts
    const version = await ledger.version()
    if (version === this.#version && clock.monoMs() - this.#lookedMs < LOOK_ANYWAY_MS) return
    this.#version = version
    this.#lookedMs = clock.monoMs()
    await this.#fullness.look()
    let after = ''
    for (;;) {
      const due = await ledger.due(after, AT_ONCE)
      for (const { name, changes, sinceMs } of due) {
        if (stop.aborted) return
        after = name
        if (this.#elsewhere.has(name)) continue
        // a mail that fails must not delay the next ones
        await this.#try(async () => {
          const now = await this.#bringInOrder(name)
          if (now === 'gone') this.#elsewhere.add(name)
          const isForgotten = clock.nowMs() - sinceMs > FORGET_DUE_MS && !(await ledger.isElsewhere(name))
          if (now !== 'gone' || isForgotten) await ledger.settled(name, changes, now === 'deleted')
        })
      }
      if (due.length < AT_ONCE) return
    }
  }

  async #bringInOrder(name: string): Promise<InOrder> {
    const { ledger, store, settings, clock, log, quarantined } = this.#parts
    const recipients = await ledger.recipientsOf(name)
    if (recipients.length === 0) return 'waits'
    const fate = fateOf(recipients, settings().fallback.mismatch !== 'drop')
    const now = await bringInOrder(store, name, fate, clock.nowMs())
    if (now === 'moved') {
      await ledger.moved(name, clock.nowMs())
      quarantined(reasonKind(fate.held[0]?.reason ?? ''))
      const jobs = [...new Set(fate.held.map(({ job }) => job))].join(',')
      log('warn', `the mail of job=${jobs} is in the quarantine as ${name}, as a bounce of it was not made`)
    }
    return now
  }

  async #sweepMail(): Promise<void> {
    const { clock, settings, log, store, ledger } = this.#parts
    const { removed, faults } = await store.sweep({
      nowMs: clock.nowMs(),
      keepMs: settings().quarantine.keepMs,
      isNeeded: async name => fateOf(await ledger.recipientsOf(name), true).waits,
      found: (place, name, file) =>
        place === 'kept'
          ? this.#try(() => this.#foundKept(name, file))
          : this.#count({ place, name, bytes: file.sizeBytes }, file.atMs),
    })
    if (removed > 0) log('info', `quarantine: ${removed} files removed, as [quarantine] keep has passed`)
    const [first] = faults
    if (first !== undefined)
      this.#say(`quarantine: ${faults.length} files can't be removed, the first: ${first}`)
  }

  async #foundKept(name: string, file: StoredFile): Promise<void> {
    const { ledger, clock } = this.#parts
    if (await this.#isUnused(name, file)) return
    const now = await this.#bringInOrder(name)
    if (now === 'deleted') for (const place of MAIL_PLACES) await ledger.gone({ place, name })
    if (now === 'waits') await this.#count({ place: 'kept', name, bytes: file.sizeBytes }, clock.nowMs())
  }

  /** For mail without a recipient on record. True: it was handled, or must wait. */
  async #isUnused(name: string, { atMs }: StoredFile): Promise<boolean> {
    const { ledger, store, clock, log, quarantined } = this.#parts
    if ((await ledger.recipientsOf(name)).length > 0) return false
    if (atMs < (await ledger.madeMs())) {
      const reason = 'the queue that had its bounce is gone'
      const held = orphanRecord((await store.record('kept', name))?.record, reason)
      await store.hold(name, held, clock.nowMs())
      await ledger.moved(name, clock.nowMs())
      quarantined(reasonKind(reason))
      log('warn', `a kept mail is in the quarantine as ${name}: ${reason}`)
      return true
    }
    if (atMs < clock.nowMs() - UNUSED_MS)
      await removeUnused(ledger, [{ place: 'kept', name }], () => store.remove('kept', name), clock.nowMs())
    return true
  }

  #count(file: MailFile, atMs: EpochMs): Promise<void> {
    const { ledger, store } = this.#parts
    const senderKey = async () => storageKey(senderOf((await store.record(file.place, file.name))?.record))
    return ledger.found(file, senderKey, atMs)
  }

  /** Corrects counts of files that don't exist: they were deleted by hand, or their writer was killed. Ends lost removals. */
  async #sweepCounts(): Promise<void> {
    const { ledger, store, clock } = this.#parts
    const counted = await ledger.files(this.#countedTo, 1000)
    this.#countedTo = counted.at(-1)
    for (const { place, name, atMs, removingMs } of counted) {
      if (removingMs !== undefined) {
        if (Math.abs(clock.nowMs() - removingMs) < LOST_REMOVAL_MS) continue
        await store.remove(place, name)
        await ledger.endRemoval([{ place, name }])
        continue
      }
      const isBeingWritten = Math.abs(clock.nowMs() - atMs) < WRITING_MS
      if (isBeingWritten || (await store.has(place, name))) continue
      await ledger.gone({ place, name })
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#say(`kept mail can't be put in its place: ${errorMessage(error)}`)
    }
  }

  #say(fault: string): void {
    const { clock, log } = this.#parts
    if (clock.monoMs() - this.#saidMs < SAID_EVERY_MS) return
    this.#saidMs = clock.monoMs()
    log('warn', fault)
  }
}
