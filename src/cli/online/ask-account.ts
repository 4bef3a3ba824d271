// Asks AWS for one account in one region, with the credentials of its role: identities, permission, quota, sending.
// Without credentials nothing further is asked. Never rejects.

import type { Account } from '../../config/accounts'
import type { ClientOptions } from '../../dispatch/client'
import { laneName } from '../../lane'
import { enabledVerdict, quotaVerdict, roleVerdict } from './account-verdicts'
import { askRegion, type RegionParts } from './ask-region'
import type { Aws } from './aws'
import type { RegionAnswers } from './online'
import type { Region } from './regions'

export interface AccountParts extends Pick<RegionParts, 'pause' | 'bounceSenderArn' | 'senders'> {
  /** AWS with the usual credentials. */
  aws: Aws
  options: ClientOptions
  createAws: (options: ClientOptions) => Aws
}

export async function askAccount(
  account: Account,
  { region, from }: Region,
  { aws, options, createAws, ...parts }: AccountParts,
): Promise<RegionAnswers> {
  const place = { region: laneName({ account: account.number, region }), account: account.name, from }
  const session = await aws.assumeRole(region, account)
  const role = roleVerdict(account, session)
  if ('fault' in session) return { ...place, role, senders: [] }
  const { accessKeyId, secretAccessKey, sessionToken } = session.value
  const ofRole = createAws({ ...options, credentials: { accessKeyId, secretAccessKey, sessionToken } })
  const answers = await askRegion(region, { ...parts, aws: ofRole, account: account.number })
  const quota = quotaVerdict(account, await ofRole.sendQuota(region))
  const enabled = enabledVerdict(account, await ofRole.sendingEnabled(region))
  return { ...place, role, ...answers, quota: [quota, ...(enabled ? [enabled] : [])] }
}
