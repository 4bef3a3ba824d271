// Asks STS for the credentials of an account's role: one attempt with a time limit, in the lane's region.
// AssumeRole is called by client-sts itself, and not through the SDK's fromTemporaryCredentials: its errors must be told
// from those of SES, as a lane without credentials isn't one that SES throttles.

import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Account } from '../config/accounts'
import { bounded, type ClientOptions, clientConfig, handlerFor, stsEndpoint } from './client'
import type { Session } from './lane-credentials'

/** In CloudTrail, and for a trust policy that asks for sts:RoleSessionName. */
export const ROLE_SESSION_NAME = 'ses-bounce'

export interface RoleClient {
  assumeRole(): Promise<Session>
  close(): void
}

export function createRoleClient(options: ClientOptions, region: string, account: Account): RoleClient {
  const sts = new STSClient({
    ...clientConfig({ ...options, endpoint: stsEndpoint(options) }, region),
    requestHandler: handlerFor(options),
  })
  const input = {
    RoleArn: account.role,
    RoleSessionName: ROLE_SESSION_NAME,
    ...(account.externalId !== undefined && { ExternalId: account.externalId }),
  }
  return {
    async assumeRole() {
      const { Credentials: given } = await bounded(
        abortSignal => sts.send(new AssumeRoleCommand(input), { abortSignal }),
        options.timeoutMs,
      )
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {}
      const expiresMs = Expiration?.getTime() ?? Number.NaN
      // the SDK resolves with empty fields if another server has answered
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || Number.isNaN(expiresMs))
        throw new Error("STS's answer couldn't be read")
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiresMs,
      }
    },
    close: () => sts.destroy(),
  }
}
