// The credentials of one lane with an account: those of the account's role, asked of STS in the lane's region by the usual
// credentials. They are renewed beside the calls before they expire, so that no call waits for STS but the first one.
// While STS doesn't answer, the old ones are used as long as they are valid. Nothing rejects but `provide`.

import type { Account } from '../config/accounts'
import type { Outcome } from '../queue/effects'
import type { EpochMs, MonoMs } from '../units'
import { errorParts, isClockCorrected, oneLine, outcomeOfError } from './outcomes'

/** The credentials in an answer of STS. */
export interface Session {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** Milliseconds since the epoch, by AWS's clock. */
  expiresMs: EpochMs
}

export interface LaneCredentialsParts {
  account: Account
  /** Asks STS once, with a time limit. */
  assumeRole: () => Promise<Session>
  nowMs: () => EpochMs
  monoMs: () => MonoMs
}

/** STS API: AssumeRole, the default of DurationSeconds. */
const SESSION_MS = 3_600_000
/** The SDK's own time for the renewal of credentials before they expire. */
const AHEAD_MS = 5 * 60_000
/** Not used any more so shortly before they expire, as the call must arrive before. */
const UNUSED_MS = 5000
/** Shorter sessions, of another server than STS, have a part of their own length instead. */
const AHEAD_PART = 4
const UNUSED_PART = 10
/** The pause after an attempt that failed for now; it doubles with each. */
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000

/** The session in the form of the SDK. */
type Identity = Omit<Session, 'expiresMs'> & { expiration: Date }

interface Held {
  identity: Identity
  /** Monotonic milliseconds. */
  renewAtMs: MonoMs
  endMs: MonoMs
  /** A call was made with them. */
  isUsed: boolean
}

export class LaneCredentials {
  readonly #parts: LaneCredentialsParts
  #held: Held | undefined
  #asking: Promise<void> | undefined
  /** The fault of the last attempt. */
  #fault: Exclude<Outcome, { kind: 'sent' }> | undefined
  #failures = 0
  /** Monotonic milliseconds before which STS isn't asked again beside the calls. */
  #notBeforeMs: MonoMs = Number.NEGATIVE_INFINITY

  constructor(parts: LaneCredentialsParts) {
    this.#parts = parts
  }

  /** Undefined: a call can be made now. Else resolves when STS has answered, whatever it was. */
  prepare(): Promise<void> | undefined {
    if (this.#isUsable()) {
      if (this.#isRenewalDue()) void this.#ask()
      return undefined
    }
    return this.#ask()
  }

  /** The outcome of a call that can't be made. Undefined: it can. */
  fault(): Outcome | undefined {
    if (this.#isUsable() || this.#fault === undefined) return undefined
    if (this.#fault.kind !== 'temporary') return this.#fault
    return { ...this.#fault, laneWaitMs: Math.max(0, this.#notBeforeMs - this.#parts.monoMs()) }
  }

  /** The credentials for the SDK, which asks for each call. */
  async provide(): Promise<Identity> {
    if (!this.#isUsable()) await this.#ask()
    const held = this.#held
    if (held === undefined) throw new Error(this.#fault?.detail ?? 'no credentials')
    held.isUsed = true
    return held.identity
  }

  /** Whether a call was made with the present ones. */
  wasUsed(): boolean {
    return this.#held?.isUsed ?? false
  }

  drop(): void {
    this.#held = undefined
  }

  #isUsable(): boolean {
    return this.#held !== undefined && this.#parts.monoMs() < this.#held.endMs
  }

  #isRenewalDue(): boolean {
    const monoMs = this.#parts.monoMs()
    return monoMs >= (this.#held?.renewAtMs ?? 0) && monoMs >= this.#notBeforeMs
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#renew().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #renew(): Promise<void> {
    const { account, assumeRole, nowMs, monoMs } = this.#parts
    try {
      const { expiresMs, ...identity } = await assumeRole()
      const lengthMs = lengthOf(expiresMs - nowMs())
      const endMs = monoMs() + lengthMs
      this.#held = {
        // the SDK asks for each call whether there are newer ones, as it takes these for expired
        identity: { ...identity, expiration: new Date(0) },
        renewAtMs: endMs - Math.min(AHEAD_MS, lengthMs / AHEAD_PART),
        endMs: endMs - Math.min(UNUSED_MS, lengthMs / UNUSED_PART),
        isUsed: false,
      }
      this.#fault = undefined
      this.#failures = 0
    } catch (error) {
      this.#fault = roleFault(account, error)
      this.#notBeforeMs = monoMs() + Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS)
      this.#failures = Math.min(this.#failures + 1, 10)
    }
  }
}

/** `byClock`: until the end, by this host's clock. If that is wrong, the session has the length that STS gives. */
function lengthOf(byClock: number): number {
  return byClock > 0 && byClock < SESSION_MS ? byClock : SESSION_MS
}

/** The outcome of a call for which STS gave no credentials. SES hasn't seen it. */
function roleFault(account: Account, error: unknown): Exclude<Outcome, { kind: 'sent' }> {
  const outcome = outcomeOfError(error, false)
  const { name, status } = errorParts(error)
  const reason = outcome.kind === 'sent' ? name : outcome.detail
  // any other 4xx is of a role or a region that STS doesn't accept
  const isRefused =
    outcome.kind === 'blocked' ||
    outcome.kind === 'refused' ||
    (outcome.kind === 'temporary' &&
      status !== undefined &&
      status >= 400 &&
      status < 500 &&
      !isClockCorrected(error))
  return isRefused
    ? {
        kind: 'blocked',
        scope: 'region',
        detail: oneLine(`account ${account.name}: its role can't be assumed: ${reason}`),
      }
    : { kind: 'temporary', detail: oneLine(`account ${account.name}: STS gave no credentials: ${reason}`) }
}
