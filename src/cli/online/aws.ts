// The requests of `check --online` to AWS by its SDK: one attempt each, with a time limit, with the usual credentials.
// Loads the SDK, so it is loaded only when needed. A failed request is returned as such; nothing rejects.

import {
  GetAccountSendingEnabledCommand,
  GetIdentityVerificationAttributesCommand,
  GetSendQuotaCommand,
  SESClient,
  SendBounceCommand,
  type SendBounceCommandInput,
} from '@aws-sdk/client-ses'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Account } from '../../config/accounts'
import { createRoleClient } from '../../dispatch/assume-role'
import { bounded, type ClientOptions, clientConfig, handlerFor, stsEndpoint } from '../../dispatch/client'
import type { Session } from '../../dispatch/lane-credentials'
import type { Result } from '../../errors'
import { type Refused, refusedBy } from './refused'

/** `most` and `sent` are of a day, `rate` of a second. */
export interface SendQuota {
  /** -1: there is none. */
  most: number
  rate: number
  sent: number
}

export interface Aws {
  /** By the SDK's own settings; undefined: they name none. */
  defaultRegion(): Promise<string | undefined>
  callerIdentity(region: string): Promise<Result<{ account: string; arn: string }, Refused>>
  /** The statuses of those that are identities, by name in lower case. */
  verification(region: string, identities: readonly string[]): Promise<Result<Map<string, string>, Refused>>
  sendBounce(region: string, input: SendBounceCommandInput): Promise<Result<undefined, Refused>>
  assumeRole(region: string, account: Account): Promise<Result<Session, Refused>>
  sendQuota(region: string): Promise<Result<SendQuota, Refused>>
  /** False: the account has paused its sending. */
  sendingEnabled(region: string): Promise<Result<boolean, Refused>>
}

export function createAws(options: ClientOptions): Aws {
  const config = (region: string, endpoint = options.endpoint) => ({
    ...clientConfig({ ...options, endpoint }, region),
    requestHandler: handlerFor(options),
  })

  async function ask<C extends { destroy(): void }, T>(
    make: () => C,
    send: (client: C, signal: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<Result<T, Refused>> {
    let client: C | undefined
    try {
      const made = make()
      client = made
      return { value: await bounded(abortSignal => send(made, { abortSignal }), options.timeoutMs) }
    } catch (error) {
      return { fault: refusedBy(error) }
    } finally {
      client?.destroy()
    }
  }

  const ses = (region: string) => () => new SESClient(config(region))
  // without accounts [ses] endpoint is of SES alone; the SDK knows AWS_ENDPOINT_URL_STS
  const endpoint = options.accounts?.length ? stsEndpoint(options) : ''
  const sts = (region: string) => () => new STSClient(config(region, endpoint))

  return {
    async defaultRegion() {
      const said = await ask(
        () => new STSClient({}),
        client => client.config.region(),
      )
      return 'value' in said ? said.value : undefined
    },
    callerIdentity: region =>
      ask(sts(region), async (client, signal) => {
        const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}), signal)
        if (Account === undefined || Arn === undefined) throw unreadable('STS')
        return { account: Account, arn: Arn }
      }),
    verification: (region, identities) =>
      ask(ses(region), async (client, signal) => {
        const command = new GetIdentityVerificationAttributesCommand({ Identities: [...identities] })
        const { VerificationAttributes } = await client.send(command, signal)
        if (VerificationAttributes === undefined) throw unreadable('SES')
        return new Map(
          Object.entries(VerificationAttributes).map(([name, { VerificationStatus }]) => [
            name.toLowerCase(),
            VerificationStatus ?? 'unknown',
          ]),
        )
      }),
    sendBounce: (region, input) =>
      ask(ses(region), async (client, signal) => {
        const { MessageId } = await client.send(new SendBounceCommand(input), signal)
        if (!MessageId) throw unreadable('SES')
        return undefined
      }),
    async assumeRole(region, account) {
      const client = createRoleClient(options, region, account)
      try {
        return { value: await client.assumeRole() }
      } catch (error) {
        return { fault: refusedBy(error) }
      } finally {
        client.close()
      }
    },
    sendQuota: region =>
      ask(ses(region), async (client, signal) => {
        const said = await client.send(new GetSendQuotaCommand({}), signal)
        const { Max24HourSend: most, MaxSendRate: rate, SentLast24Hours: sent } = said
        if (most === undefined || rate === undefined || sent === undefined) throw unreadable('SES')
        return { most, rate, sent }
      }),
    sendingEnabled: region =>
      ask(ses(region), async (client, signal) => {
        const { Enabled } = await client.send(new GetAccountSendingEnabledCommand({}), signal)
        if (Enabled === undefined) throw unreadable('SES')
        return Enabled
      }),
  }
}

/** The SDK resolves with empty fields if another server than AWS has answered. */
function unreadable(service: string): Error {
  return new Error(`${service}'s answer couldn't be read`)
}
