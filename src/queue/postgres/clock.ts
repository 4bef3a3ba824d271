// The database's clock as a process sees it: its own monotonic clock and an offset, that of the fastest of the last
// minute's answers. Each answer brings the database's time. Pure state; no two hosts' clocks are ever compared.

import type { EpochMs, MonoMs } from '../../units'

/** One answer: when it was asked for, when it came, and the database's time in between. */
interface Sample {
  sentMs: MonoMs
  gotMs: MonoMs
  serverMs: EpochMs
}

const KEPT_MS = 60_000
/** One sample is kept for so long a span, the fastest. */
const SPAN_MS = 10_000

export class EngineClock {
  readonly #monoMs: () => MonoMs
  readonly #hostMs: () => EpochMs
  /** Samples of different spans, oldest first. */
  #samples: Sample[] = []
  /** Undefined: there was no answer yet. */
  #offsetMs: number | undefined

  /** The host's clock counts until the first answer. */
  constructor(monoMs: () => MonoMs = () => performance.now(), hostMs: () => EpochMs = () => Date.now()) {
    this.#monoMs = monoMs
    this.#hostMs = hostMs
  }

  get isKnown(): boolean {
    return this.#samples.length > 0
  }

  /** The database's time now, in whole milliseconds. */
  nowMs(): EpochMs {
    if (this.#offsetMs === undefined) return this.#hostMs()
    return Math.round(this.#monoMs() + this.#offsetMs)
  }

  /** How far the host's clock is ahead of the database's. Undefined: there was no answer yet. */
  skewMs(): number | undefined {
    return this.isKnown ? this.#hostMs() - this.nowMs() : undefined
  }

  monoMs(): MonoMs {
    return this.#monoMs()
  }

  answered(sentMs: MonoMs, serverMs: EpochMs): void {
    const sample = { sentMs, gotMs: this.#monoMs(), serverMs }
    if (!this.#agrees(sample)) this.#samples = []
    const kept = this.#samples.filter(({ gotMs }) => gotMs > sample.gotMs - KEPT_MS)
    const last = kept.at(-1)
    if (last === undefined || spanOf(last) !== spanOf(sample)) kept.push(sample)
    else if (tookMs(sample) <= tookMs(last)) kept[kept.length - 1] = sample
    this.#samples = kept
    this.#offsetMs = offsetOf(kept.reduce((best, one) => (tookMs(one) < tookMs(best) ? one : best)))
  }

  /** The clock of one of both was set, or stood still: until the next answer the old offset stays, as the host's is worse. */
  forget(): void {
    this.#samples = []
  }

  /** Some offset fits both this answer and those before; else a clock has jumped, and the new answer counts alone. */
  #agrees({ sentMs, gotMs, serverMs }: Sample): boolean {
    const offsetMs = this.#offsetMs
    if (!this.isKnown || offsetMs === undefined) return true
    return offsetMs >= serverMs - gotMs - DRIFT_MS && offsetMs <= serverMs - sentMs + DRIFT_MS
  }
}

/** Two clocks' drift in a minute: 100 ms would be 1,600 parts in a million, and real clocks have less than 200. */
const DRIFT_MS = 100

function offsetOf({ sentMs, gotMs, serverMs }: Sample): number {
  return serverMs - (sentMs + gotMs) / 2
}

function tookMs({ sentMs, gotMs }: Sample): number {
  return gotMs - sentMs
}

function spanOf({ gotMs }: Sample): number {
  return Math.floor(gotMs / SPAN_MS)
}
