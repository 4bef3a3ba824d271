// Asks SES in one region: whether the bounce senders are verified, and whether SendBounce is permitted. No bounce is made.
// Facts that SES doesn't answer are reported as open. Never rejects.

import type { Result } from '../../errors'
import type { Aws } from './aws'
import type { Identity, PermissionAnswer, SenderAnswer } from './online'
import type { Refused } from './refused'
import type { BounceSender } from './senders'
import { IMPOSSIBLE_ID, noPermissionVerdict, permissionVerdict, senderVerdicts } from './verdicts'

/** SES API: GetIdentityVerificationAttributes accepts so many identities, once a second. */
const IDENTITIES_A_CALL = 100
const BETWEEN_CALLS_MS = 1100

export interface RegionParts {
  aws: Aws
  pause: (ms: number) => Promise<unknown>
  bounceSenderArn: string | undefined
  senders: readonly BounceSender[]
  /** The account whose credentials they are. Undefined: it isn't known. */
  account: Identity['account']
}

export async function askRegion(
  region: string,
  parts: RegionParts,
): Promise<{ senders: SenderAnswer[]; sendBounce: PermissionAnswer }> {
  const { senders, account, bounceSenderArn: arn } = parts
  const ofArn = arn?.split(':')[4]
  const owner = ofArn === account ? undefined : ofArn
  const said: Result<Map<string, string>, Refused> = owner === undefined
    ? await verification(region, parts)
    : { value: new Map() }
  const answers = senderVerdicts(senders, said, owner)
  const sender = bestOf(answers)?.sender
  if (sender === undefined) {
    const reason = 'no bounce sender is known; host_list and [relay] domains name no domain'
    return { senders: answers, sendBounce: noPermissionVerdict(reason) }
  }
  const call = await parts.aws.sendBounce(region, {
    OriginalMessageId: IMPOSSIBLE_ID,
    BounceSender: sender,
    ...(arn !== undefined && { BounceSenderArn: arn }),
    BouncedRecipientInfoList: [{ Recipient: sender, BounceType: 'Undefined' }],
  })
  return { senders: answers, sendBounce: permissionVerdict(sender, senders.length, call) }
}

/** The sender with the best answer: with a verified one only the permission is open. */
function bestOf(answers: readonly SenderAnswer[]): SenderAnswer | undefined {
  return (
    answers.find(({ result }) => result === 'fine') ??
    answers.find(({ result }) => result !== 'error') ??
    answers[0]
  )
}

async function verification(
  region: string,
  { aws, pause, senders }: RegionParts,
): Promise<Result<Map<string, string>, Refused>> {
  const identities = [...new Set(senders.flatMap(sender => sender.identities))]
  const statuses = new Map<string, string>()
  for (let start = 0; start < identities.length; start += IDENTITIES_A_CALL) {
    if (start > 0) await pause(BETWEEN_CALLS_MS)
    const said = await aws.verification(region, identities.slice(start, start + IDENTITIES_A_CALL))
    if ('fault' in said) return said
    for (const [name, status] of said.value) statuses.set(name, status)
  }
  return { value: statuses }
}
