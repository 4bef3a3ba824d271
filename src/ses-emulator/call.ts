// The record of one call to the emulator: plain data. All texts come from the client, and may hold anything.

import type { SendBounceRequest } from '@aws-sdk/client-ses'
import type { Fault } from './faults'

export interface Outcome {
  /** HTTP status; 0: no answer (faults reset and silence). */
  status: number
  /** The error's code. */
  code?: string
  message?: string
  /** The id of the bounce. With a fault the client may not have got it. */
  messageId?: string
  fault?: Fault['kind']
  /** The bounce was sent, whatever answer the client got. */
  carriedOut: boolean
}

/** One whole HTTP request and its outcome. */
export interface Call {
  /** 1 for the first call of the server. */
  number: number
  /** When the request's headers had arrived, in monotonic milliseconds (system-wide on Linux). */
  headersAtMs: number
  /** When the whole request had arrived, on the same clock. The pace is the time between two of these. */
  atMs: number
  /** From the credential scope or the host. Undefined: neither names one. */
  region?: string
  /** The number of the account whose role made it. Undefined: it has the emulator's own credentials. */
  account?: string
  action?: string
  /** Form fields as received. */
  params: Readonly<Record<string, string>>
  /** The fields in the SDK's form, only if all are valid. */
  input?: SendBounceRequest
  outcome: Outcome
}
