// The emulator's options and interface, as types.
// Every default follows SES, except that all possible messages and all identities are known.

import type { EventEmitter } from 'node:events'
import type { Call } from './call'
import type { FaultPlan } from './faults'
import type { KnownMessage } from './ses'
import type { Credentials } from './signature'

/** For a client on the same machine; the keys of nobody. */
export const EMULATOR_CREDENTIALS: Credentials = {
  accessKeyId: 'LOCALSESACCESSKEYID',
  secretAccessKey: 'local-ses-secret-access-key',
}

export interface SesEmulatorOptions {
  /** 0, the default: a free one. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Default EMULATOR_CREDENTIALS alone. 'any': the signature's form is checked, not the signature. */
  credentials?: readonly Credentials[] | 'any'
  /** Default 'any': of every id that SES could have given; a message that was added is checked all the same. */
  messages?: 'any' | readonly KnownMessage[]
  /** Default 'any'. Else addresses, and domains with their subdomains. */
  identities?: 'any' | readonly string[]
  /**
   * Least time between two calls in a region that aren't throttled, for SendBounce and for
   * GetIdentityVerificationAttributes each; default 1000 as at SES, 0: no limit.
   */
  intervalMs?: number
  /** A second bounce for an id; default 'allow'. */
  secondBounce?: 'allow' | 'refuse'
  /** A new connection is read this much later, as after a TLS handshake. */
  handshakeDelayMs?: number
  /** An answer goes out this much after the whole request has come. */
  latencyMs?: number
  /** Milliseconds since the epoch; default Date.now. */
  clock?: () => number
  /** Milliseconds that never step back; default process.hrtime. */
  monotonicClock?: () => number
  faults?: FaultPlan
  /** When the call's outcome is decided, before it is answered. Also as event 'call'. */
  onCall?: (call: Call) => void
}

export interface SesEmulator extends EventEmitter<{ call: [Call] }> {
  /** `http://127.0.0.1:4579` */
  readonly url: string
  readonly port: number
  /** In the order in which they had come in whole. */
  readonly calls: readonly Call[]
  addMessage(message: KnownMessage): void
  addIdentity(identity: string): void
  /** In place of what is left of the faults before. */
  setFaults(faults: FaultPlan): void
  /** Ends all connections, those without an answer too. */
  close(): Promise<void>
}
