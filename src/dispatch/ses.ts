// Calls SendBounce with the AWS SDK: one call, no retry of its own, a bounded time, and an outcome whatever happens.
// Loads the SDK; only the dispatcher's process imports it.

import { isDeepStrictEqual } from 'node:util'
import { SESClient, SendBounceCommand, type SendBounceCommandInput } from '@aws-sdk/client-ses'
import { withoutHidden } from '../config/hidden-values'
import type { Outcome } from '../queue/effects'
import { ArrivalEstimator } from './arrival-estimator'
import { bounded, type ClientOptions, clientConfig, timeouts } from './client'
import { outcomeOfError, outcomeOfResult } from './outcomes'
import { type RequestTiming, stampingAgents } from './stamping-agent'

export interface Answer {
  outcome: Outcome
  /** Monotonic milliseconds at which SES has seen the call at the latest. */
  seenMonoMs: number
}

export interface Ses {
  /**
   * Never rejects. One call at a time for each region. What hasn't left by `notAfterMonoMs` isn't sent, and is
   * `temporary`.
   */
  sendBounce(region: string, input: SendBounceCommandInput, notAfterMonoMs?: number): Promise<Answer>
  /** Loads, signs and parses once without the network, so that the first call isn't a slow one. Never rejects. */
  warmUp(region: string): Promise<void>
  close(): void
}

interface Regional {
  client: SESClient
  /** The call that is on its way. */
  flight: RequestTiming
  transit: ArrivalEstimator
  isCalling: boolean
  /** Its settings are no longer those in force. */
  isRetired: boolean
}

/** `current` is asked before each call; when what it says has changed, new clients are made. */
export function createSes(current: () => ClientOptions, monoMs: () => number): Ses {
  const regions = new Map<string, Regional>()
  let options = current()

  function regional(region: string): Regional {
    if (!isDeepStrictEqual(current(), options)) close()
    options = current()
    const known = regions.get(region)
    if (known) return known
    const agents = stampingAgents(() => entry.flight, monoMs)
    const entry: Regional = {
      flight: { opened: false, reached: false },
      transit: new ArrivalEstimator(),
      isCalling: false,
      isRetired: false,
      client: new SESClient({
        ...clientConfig(options, region),
        requestHandler: { ...agents, ...timeouts(options) },
      }),
    }
    regions.set(region, entry)
    return entry
  }

  /** A call that is on its way ends as it may. */
  function close(): void {
    for (const entry of regions.values()) {
      entry.isRetired = true
      if (!entry.isCalling) entry.client.destroy()
    }
    regions.clear()
  }

  return {
    async sendBounce(region, input, notAfterMonoMs) {
      const entry = regional(region)
      entry.flight = {
        opened: false,
        reached: false,
        ...(notAfterMonoMs !== undefined && { notAfterMonoMs }),
      }
      entry.isCalling = true
      let outcome: Outcome
      try {
        const call = (abortSignal: AbortSignal) =>
          entry.client.send(new SendBounceCommand(input), { abortSignal })
        outcome = outcomeOfResult(await bounded(call, options.timeoutMs))
      } catch (error) {
        outcome = shown(outcomeOfError(error, entry.flight.reached))
      } finally {
        entry.isCalling = false
        if (entry.isRetired) entry.client.destroy()
      }
      return { outcome, seenMonoMs: entry.transit.seenAtLatest(entry.flight, monoMs()) }
    },
    async warmUp(region) {
      const client = new SESClient({
        ...clientConfig(options, region),
        credentials: { accessKeyId: '-', secretAccessKey: '-' },
        requestHandler: { handle: warmAnswer },
      })
      await client.send(new SendBounceCommand(WARM_INPUT)).catch(() => undefined)
      // the chain of credentials may ask a network, or hang: nobody waits for it
      void regional(region)
        .client.config.credentials()
        .catch(() => undefined)
    },
    close,
  }
}

/** It is kept with the job. */
function shown(outcome: Outcome): Outcome {
  return outcome.kind === 'sent' ? outcome : { ...outcome, detail: withoutHidden(outcome.detail) }
}

const WARM_INPUT: SendBounceCommandInput = {
  OriginalMessageId: '-',
  BounceSender: '-',
  MessageDsn: { ReportingMta: '-', ArrivalDate: new Date(0) },
  BouncedRecipientInfoList: [
    { Recipient: '-', BounceType: 'Undefined', RecipientDsnFields: { Action: 'failed', Status: '5.0.0' } },
  ],
}

/** Any answer does: it is the way there that is warmed up. */
function warmAnswer(): Promise<never> {
  return Promise.reject(new Error('only warming up'))
}
