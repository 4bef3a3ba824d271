// `ses-bounce check --online`: asks AWS whether it would accept calls with this configuration, without making a bounce.
// Every request ends within [ses] timeout. Facts that AWS doesn't answer are reported as open. Never rejects.

import { setTimeout as delay } from 'node:timers/promises'
import type { ActiveConfig } from '../app/active-config'
import { isLoopbackEndpoint } from '../config/ses-parsers'
import type { ClientOptions } from '../dispatch/client'
import type { Result } from '../errors'
import { ADDRESS_NAMES, parseTemplate } from '../policy/templates'
import { targetFor } from '../queue/target'
import type { Aws } from './online/aws'
import type { Identity, Online, OnlineAnswer, RegionAnswers, SenderAnswer } from './online/online'
import type { Refused } from './online/refused'
import { type Region, regionsOf, seenRegions } from './online/regions'
import { type BounceSender, sendersOf } from './online/senders'
import {
  CALLER_ACTION,
  callerVerdict,
  IMPOSSIBLE_ID,
  noPermissionVerdict,
  permissionVerdict,
  senderVerdicts,
} from './online/verdicts'

export interface OnlineParts {
  createAws: (options: ClientOptions) => Aws
  pause: (ms: number) => Promise<unknown>
}

/** SES API: GetIdentityVerificationAttributes accepts so many identities, once a second. */
const IDENTITIES_A_CALL = 100
const BETWEEN_CALLS_MS = 1100

/** Used for STS if the SDK has no region. STS answers for all regions of the partition. */
const STS_REGION = 'us-east-1'

const PARTS: OnlineParts = {
  // the SDK is slow to load, so it is loaded only when needed
  createAws: options => (require('./online/aws') as typeof import('./online/aws')).createAws(options),
  pause: ms => delay(ms),
}

/** `dir`: the Haraka directory. */
export async function askOnline(
  activeConfig: ActiveConfig,
  { dir, env }: { dir: string; env: NodeJS.ProcessEnv },
  { createAws, pause }: OnlineParts = PARTS,
): Promise<Online> {
  const { ses, queue } = activeConfig.settings
  if (ses.endpoint === 'local') {
    const message = '[ses] endpoint = local: bounces go to the emulator, and there is nothing to ask AWS'
    return { regions: [], notes: [{ result: 'fine', message }] }
  }
  const aws = createAws({ endpoint: ses.endpoint, timeoutMs: ses.timeoutMs })
  const seen = await seenRegions(targetFor(queue, dir))
  const known = regionsOf(ses.regions, seen.regions)
  const { regions, note } = known.length > 0 ? { regions: known } : await defaultRegion(aws)
  const notes = [seen.note, note].filter(answered => answered !== undefined)

  const identity = await caller(aws, regions[0]?.region ?? STS_REGION, ses.endpoint, env)
  if (identity.result === 'error') return { identity, regions: [], notes }
  const senders = sendersOf(templatesOf(activeConfig), activeConfig.domains)
  const answers = regions.map(region =>
    askRegion(region, { aws, pause, activeConfig, senders: senders.known, identity }),
  )
  return {
    identity,
    regions: await Promise.all(answers),
    notes: [...notes, ...senders.open.map(openVerdict)],
  }
}

/** [ses] bounce_sender, then those of rules. */
function templatesOf({ settings, policy }: ActiveConfig) {
  const { template } = parseTemplate(settings.ses.bounceSender, ADDRESS_NAMES)
  const ofRules = policy.rules.flatMap(({ outcome }) => (outcome.action === 'bounce' ? [outcome.sender] : []))
  return [template, ...ofRules]
}

async function defaultRegion(aws: Aws): Promise<{ regions: Region[]; note: OnlineAnswer }> {
  const region = await aws.defaultRegion()
  if (region !== undefined) {
    const message = `[ses] regions names no region, and none was seen yet: asking in ${region}, the AWS SDK's own`
    return { regions: [{ region, from: 'default' }], note: { result: 'fine', message } }
  }
  const message =
    'no region is known, so SES could not be asked: [ses] regions and AWS_REGION name none, and none was seen yet; regions = eu-west-1 names one'
  return { regions: [], note: { result: 'unestablished', message } }
}

async function caller(aws: Aws, region: string, endpoint: string, env: NodeJS.ProcessEnv): Promise<Identity> {
  // credentials for an emulator mean nothing to AWS
  if (isLoopbackEndpoint(endpoint) && !env['AWS_ENDPOINT_URL_STS'] && !env['AWS_ENDPOINT_URL']) {
    const message =
      'whose the credentials are could not be established: [ses] endpoint is on this machine, and AWS_ENDPOINT_URL_STS names no STS there'
    return { result: 'unestablished', message, action: CALLER_ACTION }
  }
  return callerVerdict(await aws.callerIdentity(region))
}

interface RegionParts {
  aws: Aws
  pause: OnlineParts['pause']
  activeConfig: ActiveConfig
  senders: readonly BounceSender[]
  identity: Identity
}

async function askRegion(place: Region, parts: RegionParts): Promise<RegionAnswers> {
  const { activeConfig, senders, identity } = parts
  const arn = activeConfig.policy.bounceSenderArn
  const account = arn?.split(':')[4]
  const owner = account === identity.account ? undefined : account
  const said: Result<Map<string, string>, Refused> = owner === undefined
    ? await verification(place.region, parts)
    : { value: new Map() }
  const answers = senderVerdicts(senders, said, owner)
  const sender = bestOf(answers)?.sender
  if (sender === undefined) {
    const reason = 'no bounce sender is known; host_list and [relay] domains name no domain'
    return { ...place, senders: answers, sendBounce: noPermissionVerdict(reason) }
  }
  const call = await parts.aws.sendBounce(place.region, {
    OriginalMessageId: IMPOSSIBLE_ID,
    BounceSender: sender,
    ...(arn !== undefined && { BounceSenderArn: arn }),
    BouncedRecipientInfoList: [{ Recipient: sender, BounceType: 'Undefined' }],
  })
  return { ...place, senders: answers, sendBounce: permissionVerdict(sender, senders.length, call) }
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

function openVerdict(template: string): OnlineAnswer {
  const message = `whether ${template} is verified can't be established: its domain is that of each mail's sender`
  return { result: 'unestablished', message }
}
