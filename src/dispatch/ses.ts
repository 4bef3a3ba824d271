// Calls SendBounce with the AWS SDK: one call, no retry of its own, a bounded time, and an outcome whatever happens.
// The only file that loads the SDK; only the dispatcher's process imports it.

import { isDeepStrictEqual } from 'node:util'
import {
  SESClient,
  type SESClientConfig,
  SendBounceCommand,
  type SendBounceCommandInput,
  type SendBounceCommandOutput,
} from '@aws-sdk/client-ses'
import { type Outcome, outcomeOfError, outcomeOfResult } from './outcomes'
import { type Flight, stampingAgents } from './stamping-agent'
import { Transit } from './transit'

export interface SesOptions {
  /** '' is AWS, by the SDK's own settings; else a URL that may hold `{region}`. */
  endpoint: string
  timeoutMs: number
  /** Undefined: the SDK's usual chain. */
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

export interface Answer {
  outcome: Outcome
  /** Monotonic milliseconds at which SES has seen the call at the latest. */
  seenMonoMs: number
}

export interface Ses {
  /** Never rejects. One call at a time for each region. */
  sendBounce(region: string, input: SendBounceCommandInput): Promise<Answer>
  /** Loads, signs and parses once without the network, so that the first call isn't a slow one. Never rejects. */
  warmUp(region: string): Promise<void>
  close(): void
}

interface Regional {
  client: SESClient
  /** The call that is on its way. */
  flight: Flight
  transit: Transit
  isCalling: boolean
  /** Its settings are no longer those in force. */
  isRetired: boolean
}

/** `current` is asked before each call; when what it says has changed, new clients are made. */
export function createSes(current: () => SesOptions, monoMs: () => number): Ses {
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
      transit: new Transit(),
      isCalling: false,
      isRetired: false,
      client: new SESClient({
        ...baseConfig(options, region),
        // each of the three alone leaves a hole: a slow connection, a slow answer, a trickle
        requestHandler: {
          ...agents,
          connectionTimeout: options.timeoutMs,
          requestTimeout: options.timeoutMs,
          socketTimeout: options.timeoutMs,
          throwOnRequestTimeout: true,
        },
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
    async sendBounce(region, input) {
      const entry = regional(region)
      entry.flight = { opened: false, reached: false }
      entry.isCalling = true
      let outcome: Outcome
      try {
        outcome = outcomeOfResult(await bounded(entry.client, input, options.timeoutMs))
      } catch (error) {
        outcome = outcomeOfError(error, entry.flight.reached)
      } finally {
        entry.isCalling = false
        if (entry.isRetired) entry.client.destroy()
      }
      return { outcome, seenMonoMs: entry.transit.seenAtLatest(entry.flight, monoMs()) }
    },
    async warmUp(region) {
      const client = new SESClient({
        ...baseConfig(options, region),
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

/**
 * The SDK's signal and timeouts are looked at only once it has credentials, which may hang. When this gives up, the
 * signal is aborted too, so that credentials that come late send nothing.
 */
async function bounded(
  client: SESClient,
  input: SendBounceCommandInput,
  timeoutMs: number,
): Promise<SendBounceCommandOutput> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      abort.abort()
      reject(new Error(`no answer within ${timeoutMs} ms`))
    }, timeoutMs)
  })
  const call = client.send(new SendBounceCommand(input), { abortSignal: abort.signal })
  try {
    return await Promise.race([call, timeout])
  } finally {
    clearTimeout(timer)
    // it may still reject, when nobody looks any more
    call.catch(() => undefined)
  }
}

/** The pace and the retries are the queue's: the SDK's own would break both. */
function baseConfig(options: SesOptions, region: string): SESClientConfig {
  return {
    region,
    maxAttempts: 1,
    ...(options.endpoint !== '' && { endpoint: options.endpoint.replaceAll('{region}', region) }),
    ...(options.credentials && { credentials: options.credentials }),
  }
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
