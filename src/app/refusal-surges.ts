// Watches whether one plugin, or a server behind Haraka, refuses most recipients: then something is broken there, and a bounce
// for each would tell many senders something wrong. Such refusals are 450 until a recipient is accepted again.
// Each process counts by itself. That a surge goes on is a file, which all processes and `ses-bounce refusals` know.

import type { Surge } from '../config/settings'
import { errorMessage } from '../errors'
import type { Refusal, RefusalStage } from '../mail/refusal'
import { logLine } from './log-line'
import type { SurgeFiles } from './surge-files'

/** Fewer recipients prove nothing. */
const FEWEST = 20
/** So many recipients of a stage are remembered: the last ones decide. */
const MOST = 1000

/** Stages, and the domains of deliveries: each may hold a few hundred kilobytes. */
const MOST_PLACES = 100

interface Seen {
  readonly atMs: number
  /** Undefined: accepted. */
  readonly by: string | undefined
}

export interface RefusalSurgesOptions {
  files: SurgeFiles
  /** Undefined: off. */
  surge: () => Surge | undefined
  nowMs: () => number
  /** Monotonic milliseconds. */
  nowMonoMs: () => number
  log: (level: 'notice' | 'error', message: string) => void
}

export class RefusalSurges {
  readonly #options: RefusalSurgesOptions
  readonly #seen = new Map<string, RecentRecipients>()
  #uses = 0
  /** The surges that this process knows of, by place. */
  readonly #known = new Map<string, Set<string>>()

  constructor(options: RefusalSurgesOptions) {
    this.#options = options
  }

  /**
   * Notes that these recipients were refused. True: there is a surge, so that the refusal must become a temporary one.
   * `server`: the domain of a delivery, as one server may be broken and others not.
   */
  refused(
    { by: plugin, stage }: Pick<Refusal, 'by' | 'stage'>,
    recipients: readonly string[],
    server?: string,
  ): boolean {
    const by = server === undefined ? plugin : `${plugin} ${server}`
    const place = placeOf(stage, server)
    const surge = this.#options.surge()
    if (surge === undefined) return false
    const { files } = this.#options
    const known = this.#known.get(place) ?? new Set()
    set(this.#known, place, known)
    if (files.isOn(by)) {
      known.add(by)
      return true
    }
    // an operator, or another process, has ended it
    if (known.delete(by)) this.#seen.delete(place)
    this.#note(place, recipients, by)
    const seen = this.#recent(place, surge)
    const refused = seen.filter(one => one.by === by).length
    if (seen.length < FEWEST || (refused / seen.length) * 100 < surge.percent) return false
    const share = `${refused} of the last ${seen.length} recipients`
    try {
      files.start({ by, stage, since: new Date(this.#options.nowMs()).toISOString(), share })
    } catch (error) {
      // a full disk ends no surge: the next refusal tries again
      this.#options.log('error', logLine({ refused_by: by, stage, share, error: errorMessage(error) }))
      return true
    }
    known.add(by)
    const what = `${stage === 'delivery' ? 'tried again later' : 'refused for now (450)'}, and nothing is bounced`
    const error = `${by} has refused ${share}, so it may be broken: what it refuses is ${what}, until it accepts a recipient or "ses-bounce refusals resume"`
    this.#options.log('error', logLine({ refused_by: by, stage, error }))
    return true
  }

  /** Notes that these recipients passed the stage. */
  accepted(stage: RefusalStage, recipients: readonly string[], server?: string): void {
    if (this.#options.surge() === undefined || recipients.length === 0) return
    const place = placeOf(stage, server)
    const known = this.#known.get(place)
    if (known !== undefined && known.size > 0) {
      for (const by of known) this.#end(stage, by)
      known.clear()
      this.#seen.delete(place)
    }
    this.#note(place, recipients, undefined)
  }

  #end(stage: RefusalStage, by: string): void {
    const { files, log } = this.#options
    try {
      files.end(by)
      log(
        'notice',
        logLine({ refused_by: by, stage, notice: 'it has accepted a recipient: its refusals count again' }),
      )
    } catch (error) {
      log('error', logLine({ refused_by: by, stage, error: errorMessage(error) }))
    }
  }

  #note(place: string, recipients: readonly string[], by: string | undefined): void {
    if (recipients.length === 0) return
    let seen = this.#seen.get(place)
    if (seen === undefined) {
      if (this.#seen.size >= MOST_PLACES) this.#forgetPlace()
      seen = new RecentRecipients()
      this.#seen.set(place, seen)
    }
    seen.lastUse = ++this.#uses
    const one = { atMs: this.#options.nowMonoMs(), by }
    for (const recipient of recipients) seen.note(recipient, one)
  }

  /** Mail may be for very many domains: the place that wasn't used for longest is forgotten. */
  #forgetPlace(): void {
    let [oldest, leastUse] = ['', Number.POSITIVE_INFINITY]
    for (const [place, { lastUse }] of this.#seen)
      if (lastUse < leastUse) [oldest, leastUse] = [place, lastUse]
    this.#seen.delete(oldest)
  }

  #recent(place: string, { perMs }: Surge): Seen[] {
    const fromMs = this.#options.nowMonoMs() - perMs
    return (this.#seen.get(place)?.all() ?? []).filter(({ atMs }) => atMs >= fromMs)
  }
}

/** The last MOST recipients of a place, each once, the newest last. Mail waits for `note`, so each step is short. */
class RecentRecipients {
  /** Counts up with each use, so that places can be ordered by their last use. */
  lastUse = 0
  readonly #seen = new Map<string, Seen>()
  /** Stands before the oldest. Each new iterator would go over all that were deleted since the map grew. */
  readonly #oldest = this.#seen.keys()

  note(recipient: string, seen: Seen): void {
    this.#seen.delete(recipient)
    this.#seen.set(recipient, seen)
    if (this.#seen.size <= MOST) return
    const { value } = this.#oldest.next()
    if (value !== undefined) this.#seen.delete(value)
  }

  all(): Seen[] {
    return [...this.#seen.values()]
  }
}

function placeOf(stage: RefusalStage, server?: string): string {
  return server === undefined ? stage : `${stage} ${server}`
}

/** Mail may be for very many domains: the oldest place is forgotten. */
function set<T>(map: Map<string, T>, place: string, value: T): void {
  map.delete(place)
  map.set(place, value)
  const [oldest] = map.keys()
  if (map.size > MOST_PLACES && oldest !== undefined) map.delete(oldest)
}
