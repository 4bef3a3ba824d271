// The emulator's options and interface, as types.
// Each default follows SES, except that every possible message and every identity is known.

import type { EventEmitter } from 'node:events'
import type { Call } from './call'
import type { FaultPlan } from './faults'
import type { KnownMessage } from './ses'
import type { Credentials } from './signature'

/** Credentials for a client on the same machine. They belong to nobody. */
export const EMULATOR_CREDENTIALS: Credentials = {
  accessKeyId: 'LOCALSESACCESSKEYID',
  secretAccessKey: 'local-ses-secret-access-key',
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
   * Least time between two calls in a region that aren't throttled, for SendBounce and for
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
  /** In the order in which they had arrived completely. */
  readonly calls: readonly Call[]
  addMessage(message: KnownMessage): void
  addIdentity(identity: string): void
  /** Replaces the rest of the plan before. */
  setFaults(faults: FaultPlan): void
  /** Ends all connections, also those without an answer. */
  close(): Promise<void>
}
