// The emulator's options and interface, as types.
// Each default follows SES, except that every possible message and every identity is known.

import type { EventEmitter } from 'node:events'
import type { Call } from './call'
import type { FaultPlan } from './faults'
import type { KnownMessage } from './ses'
import type { RolesOfAccount } from './sessions'
import type { Credentials } from './signature'

/** Credentials for a client on the same machine. They belong to nobody. */
export const EMULATOR_CREDENTIALS: Credentials = {
  accessKeyId: 'LOCALSESACCESSKEYID',
  secretAccessKey: 'local-ses-secret-access-key',
}

/** An AWS account, with its own identities and pace. */
export interface EmulatorAccount extends RolesOfAccount {
  /** Default: those of the emulator. */
  identities?: 'any' | readonly string[]
  /** SES sends only to verified identities. */
  isInSandbox?: boolean
  /** The account has paused its sending. */
  isPaused?: boolean
  /** The most mails of a day; default 50000, in the sandbox 200. */
  quota?: number
}

export interface SesEmulatorOptions {
  /** Default 0: a free port. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Default EMULATOR_CREDENTIALS alone. 'any': the signature's form is checked, not the signature. */
  credentials?: readonly Credentials[] | 'any'
  /** Default 'any': every id that SES could have given is known. Messages in a list are checked completely. */
  messages?: 'any' | readonly KnownMessage[]
  /** Default 'any'. A list: addresses, and domains with their subdomains. */
  identities?: 'any' | readonly string[]
  /**
   * Default 'any': every role of every account can be assumed. A list: only these. The emulator's own credentials are of
   * account 123456789012.
   */
  accounts?: 'any' | readonly EmulatorAccount[]
  /** The credentials of a role end after that time at the latest; default: after an hour, as at STS. */
  sessionMs?: number
  /**
   * Least time between two calls of an account in a region that aren't throttled, for SendBounce and for
   * GetIdentityVerificationAttributes each; default 1000 as at SES, 0: no limit.
   */
  intervalMs?: number
  /** A second bounce for an id; default 'allow'. */
  secondBounce?: 'allow' | 'refuse'
  /** Delay before a new connection is read, as after a TLS handshake. */
  handshakeDelayMs?: number
  /** Delay between the whole request and the answer. */
  latencyMs?: number
  /** Milliseconds since the epoch; default Date.now. */
  clock?: () => number
  /** Milliseconds that never step back; default process.hrtime. */
  monotonicClock?: () => number
  faults?: FaultPlan
  /** Called when the call's outcome is decided, before the answer. Also sent as the event 'call'. */
  onCall?: (call: Call) => void
}

export interface SesEmulator extends EventEmitter<{ call: [Call] }> {
  /** `http://127.0.0.1:4579` */
  readonly url: string
  readonly port: number
  /** The calls in the order in which they had arrived completely. */
  readonly calls: readonly Call[]
  addMessage(message: KnownMessage): void
  /** `account`: its number; default: that of the emulator's own credentials. */
  addIdentity(identity: string, account?: string): void
  /** Ends the credentials of all roles now, or of an account's: AWS answers ExpiredToken. */
  endSessions(account?: string): void
  /** Replaces the rest of the plan before. */
  setFaults(faults: FaultPlan): void
  /** Ends all connections, also those without an answer. */
  close(): Promise<void>
}
