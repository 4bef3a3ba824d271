// Calls SendBounce with the AWS SDK: one call without retries, with a time limit, and an outcome in every case.
// Loads the SDK, so only the dispatcher's process imports it.

import { isDeepStrictEqual } from 'node:util'
import { SESClient, SendBounceCommand, type SendBounceCommandInput } from '@aws-sdk/client-ses'
import { withoutHidden } from '../config/hidden-values'
import type { Outcome } from '../queue/effects'
import type { MonoMs } from '../units'
import { ArrivalEstimator } from './arrival-estimator'
import { bounded, type ClientOptions, clientConfig, timeouts } from './client'
import { outcomeOfError, outcomeOfResult } from './outcomes'
import { type RequestTiming, stampingAgents } from './stamping-agent'

export interface Answer {
  outcome: Outcome
  /** Monotonic milliseconds at which SES has seen the call at the latest. */
  seenMonoMs: MonoMs
}

export interface Ses {
  /**
   * Never rejects. One call at a time for each region. A request that wasn't sent by `notAfterMonoMs` is given up as
   * `temporary`.
   */
  sendBounce(region: string, input: SendBounceCommandInput, notAfterMonoMs?: MonoMs): Promise<Answer>
  /** Loads, signs and parses once without the network, so that the first call isn't slow. Never rejects. */
  warmUp(region: string): Promise<void>
  close(): void
}

interface Regional {
  client: SESClient
  /** The call in progress. */
  flight: RequestTiming
  transit: ArrivalEstimator
  isCalling: boolean
  /** Its settings are outdated. */
  isRetired: boolean
}

/** `current` is called before each call. If its result has changed, new clients are made. */
export function createSes(current: () => ClientOptions, monoMs: () => MonoMs): Ses {
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

  /** A call in progress isn't interrupted. */
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
      // not awaited, as the chain of credentials may use the network, or hang
      void regional(region)
        .client.config.credentials()
        .catch(() => undefined)
    },
    close,
  }
}

/** The outcome with a short text, as it is stored with the job. */
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

/** Any error is enough, as only the code before the network is warmed up. */
function warmAnswer(): Promise<never> {
  return Promise.reject(new Error('only warming up'))
}
