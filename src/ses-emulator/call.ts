// The record of one call to the emulator: plain data.
// All texts are the client's, and may hold anything.

import type { SendBounceRequest } from '@aws-sdk/client-ses'
import type { Fault } from './faults'

export interface Outcome {
  /** HTTP status; 0: no answer (faults reset and silence). */
  status: number
  /** Of the error. */
  code?: string
  message?: string
  /** Of the bounce, which the client may not have learnt: see `fault`. */
  messageId?: string
  fault?: Fault['kind']
  /** The bounce went out, whatever the client was told. */
  carriedOut: boolean
}

/** One whole HTTP request and what came of it. */
export interface Call {
  /** 1 for the first call of the server. */
  number: number
  /** Monotonic milliseconds, system-wide on Linux: when the request's headers had been read. */
  headersAtMs: number
  /** The same, when the whole request had been read. The pace is measured between these. */
  atMs: number
  /** From the credential scope or the host; undefined: neither names one. */
  region?: string
  action?: string
  /** Form fields as they came. */
  params: Readonly<Record<string, string>>
  /** The fields as the SDK has them; only where they are right. */
  input?: SendBounceRequest
  outcome: Outcome
}
