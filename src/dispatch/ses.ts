// Calls SendBounce with the AWS SDK: one call without retries, with a time limit, and an outcome in every case.
// Loads the SDK, so only the dispatcher's process imports it.

import { isDeepStrictEqual } from 'node:util'
import { SESClient, SendBounceCommand, type SendBounceCommandInput } from '@aws-sdk/client-ses'
import { withoutHidden } from '../config/hidden-values'
import { parseLane } from '../lane'
import type { Outcome } from '../queue/effects'
import type { MonoMs } from '../units'
import { ArrivalEstimator } from './arrival-estimator'
import { bounded, type ClientOptions, clientConfig, timeouts } from './client'
import { errorParts, outcomeOfError, outcomeOfResult, WRONG_CREDENTIALS } from './outcomes'
import { type Role, roleOf } from './role'
import { type RequestTiming, stampingAgents } from './stamping-agent'

export interface Answer {
  outcome: Outcome
  /** Monotonic milliseconds at which SES has seen the call at the latest. */
  seenMonoMs: MonoMs
}

export interface Ses {
  /** For a lane with an account: gets credentials, so that the next call needn't wait for them. Never rejects. */
  prepare(lane: string): Promise<void> | undefined
  /**
   * Never rejects. One call at a time for each lane. A request that wasn't sent by `notAfterMonoMs` is given up as
   * `temporary`.
   */
  sendBounce(lane: string, input: SendBounceCommandInput, notAfterMonoMs?: MonoMs): Promise<Answer>
  /** Loads, signs and parses once without the network, so that the first call isn't slow. Never rejects. */
  warmUp(region: string): Promise<void>
  close(): void
}

interface LaneClient {
  client: SESClient
  /** Undefined: the lane has no account. */
  role: Role | undefined
  /** The call in progress. */
  flight: RequestTiming
  transit: ArrivalEstimator
  isCalling: boolean
  /** Its settings are outdated. */
  isRetired: boolean
}

/** `current` is called before each call. If its result has changed, new clients are made. */
export function createSes(current: () => ClientOptions, monoMs: () => MonoMs): Ses {
  const lanes = new Map<string, LaneClient>()
  let options = current()

  function clientOf(lane: string): LaneClient {
    if (!isDeepStrictEqual(current(), options)) close()
    options = current()
    const known = lanes.get(lane)
    if (known) return known
    const { account, region } = parseLane(lane)
    const role = account === undefined ? undefined : roleOf(account, region, options, monoMs)
    const agents = stampingAgents(() => entry.flight, monoMs, options.timeoutMs)
    const entry: LaneClient = {
      role,
      flight: { opened: false, reached: false },
      transit: new ArrivalEstimator(),
      isCalling: false,
      isRetired: false,
      client: new SESClient({
        ...clientConfig(options, region),
        ...(role && { credentials: role.provide }),
        requestHandler: { ...agents, ...timeouts(options) },
      }),
    }
    lanes.set(lane, entry)
    return entry
  }

  /** A call in progress isn't interrupted. */
  function close(): void {
    for (const entry of lanes.values()) {
      entry.isRetired = true
      if (!entry.isCalling) destroy(entry)
    }
    lanes.clear()
  }

  return {
    prepare: lane => clientOf(lane).role?.prepare(),
    async sendBounce(lane, input, notAfterMonoMs) {
      const entry = clientOf(lane)
      const { role } = entry
      const fault = role?.fault()
      if (fault !== undefined) return { outcome: shown(fault), seenMonoMs: monoMs() }
      const isReused = role?.wasUsed() ?? false
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
        const call = { bounceSender: input.BounceSender ?? '', ...(role && { account: role.name }) }
        outcome = shown(outcomeOfError(error, entry.flight.reached, call))
        if (outcome.kind === 'blocked' && WRONG_CREDENTIALS.has(errorParts(error).name) && isReused)
          outcome = renewed(role, outcome)
      } finally {
        entry.isCalling = false
        if (entry.isRetired) destroy(entry)
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
      void clientOf(region)
        .client.config.credentials()
        .catch(() => undefined)
    },
    close,
  }
}

function destroy({ client, role }: LaneClient): void {
  client.destroy()
  role?.close()
}

/** SES has accepted these credentials before: they were revoked, or a clock is wrong. The next call has new ones. */
function renewed(role: Role | undefined, { detail }: { detail: string }): Outcome {
  role?.drop()
  return { kind: 'temporary', detail, laneWaitMs: 0 }
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
