// `ses-bounce check --online`: asks AWS whether it would accept calls with this configuration, without making a bounce.
// Every request ends within [ses] timeout. Facts that AWS doesn't answer are reported as open. Never rejects.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ActiveConfig } from '../app/active-config'
import { proxyFault, proxyText, proxyVariable } from '../aws-proxy'
import type { Account } from '../config/accounts'
import { SMTP_FILE } from '../config/owner'
import { isLoopbackEndpoint } from '../config/ses-parsers'
import type { ClientOptions } from '../dispatch/client'
import { workerCount } from '../haraka/worker-count'
import { parseLane } from '../lane'
import { ADDRESS_NAMES, parseTemplate } from '../policy/templates'
import { targetFor } from '../queue/target'
import type { AsciiDomain } from '../units'
import { askAccount } from './online/ask-account'
import { askRegion } from './online/ask-region'
import type { Aws } from './online/aws'
import { askDatabase } from './online/database'
import type { Identity, Online, OnlineAnswer, RegionAnswers } from './online/online'
import { type Region, regionsOf, seenRegions } from './online/regions'
import { askRelayQueues } from './online/relay-queues'
import { sendersOf } from './online/senders'
import { askingAgain } from './online/throttled'
import { CALLER_ACTION, callerVerdict } from './online/verdicts'

export interface OnlineParts {
  createAws: (options: ClientOptions) => Aws
  pause: (ms: number) => Promise<unknown>
}

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
  { createAws: create, pause }: OnlineParts = PARTS,
): Promise<Online> {
  const { ses, queue } = activeConfig.settings
  const target = targetFor(queue, dir)
  const workers = workerCount(textOf(path.join(dir, 'config', SMTP_FILE)))
  const stores = [
    ...(await askDatabase(target, queue, workers)),
    ...(await askRelayQueues(activeConfig.settings.sqsRelay, ses.timeoutMs)),
  ]
  if (ses.endpoint === 'local') {
    const message = '[ses] endpoint = local: bounces go to the emulator, and there is nothing to ask AWS'
    return { regions: [], notes: [...stores, { result: 'fine', message }] }
  }
  const options = {
    endpoint: ses.endpoint,
    timeoutMs: ses.timeoutMs,
    accounts: activeConfig.settings.accounts,
  }
  const createAws = (of: ClientOptions) => askingAgain(create(of), pause)
  const aws = createAws(options)
  const seen = await seenRegions(target)
  const lanes = lanesOf(activeConfig, seen.regions)
  const fallback = lanes.some(({ regions }) => regions.length === 0) ? await defaultRegion(aws) : undefined
  const places = lanes.flatMap(({ account, regions, domains }) =>
    (regions.length > 0 ? regions : (fallback?.regions ?? [])).map(place => ({ account, place, domains })),
  )
  const notes = [...stores, proxyNote(env), seen.note, fallback?.note].filter(
    answered => answered !== undefined,
  )

  const identity = await caller(aws, places[0]?.place.region ?? STS_REGION, activeConfig, env)
  if (identity.result === 'error') return { identity, regions: [], notes }
  const parts = { aws, pause, bounceSenderArn: activeConfig.policy.bounceSenderArn }
  const templates = templatesOf(activeConfig)
  const answers = places.map(async ({ account, place, domains }): Promise<RegionAnswers> => {
    const senders = sendersOf(templates, domains).known
    return account === undefined
      ? { ...place, ...(await askRegion(place.region, { ...parts, senders, account: identity.account })) }
      : askAccount(account, place, { ...parts, senders, options, createAws })
  })
  const { open } = sendersOf(templates, activeConfig.domains)
  return { identity, regions: await Promise.all(answers), notes: [...notes, ...open.map(openVerdict)] }
}

interface AccountLanes {
  /** Undefined: that of the usual credentials. */
  account?: Account
  regions: Region[]
  /** The domains that the account receives mail for. */
  domains: readonly string[]
}

/** The lanes to check: with accounts in the configuration, only theirs. `seen`: the lanes of the queue. */
function lanesOf({ settings, policy, domains }: ActiveConfig, seen: readonly string[]): AccountLanes[] {
  const { accounts, ses } = settings
  const lanes = seen.map(parseLane)
  const regionsIn = (number?: string) =>
    regionsOf(
      ses.regions,
      lanes.filter(({ account }) => account === number).map(({ region }) => region),
    )
  if (accounts.length === 0) return [{ regions: regionsIn(), domains }]
  return accounts.map(account => ({
    account,
    regions: regionsIn(account.number),
    domains: domains.filter(domain => policy.accounts.of(domain as AsciiDomain) === account),
  }))
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

async function caller(
  aws: Aws,
  region: string,
  { settings }: ActiveConfig,
  env: NodeJS.ProcessEnv,
): Promise<Identity> {
  const { endpoint } = settings.ses
  // credentials for an emulator mean nothing to AWS; with accounts it is asked as STS, too
  const isAskedOfAws = settings.accounts.length === 0
  if (
    isAskedOfAws &&
    isLoopbackEndpoint(endpoint) &&
    !env['AWS_ENDPOINT_URL_STS'] &&
    !env['AWS_ENDPOINT_URL']
  ) {
    const message =
      'whose the credentials are could not be established: [ses] endpoint is on this machine, and AWS_ENDPOINT_URL_STS names no STS there'
    return { result: 'unestablished', message, action: CALLER_ACTION }
  }
  return callerVerdict(await aws.callerIdentity(region))
}

/** Undefined: there is no proxy. */
function proxyNote(env: NodeJS.ProcessEnv): OnlineAnswer | undefined {
  const name = proxyVariable(env)
  if (name === undefined) return undefined
  const proxy = proxyText(env)
  return proxy === undefined
    ? { result: 'error', message: proxyFault(name) }
    : { result: 'fine', message: `calls to AWS go by the proxy ${proxy} (${name})` }
}

function openVerdict(template: string): OnlineAnswer {
  const message = `whether ${template} is verified can't be established: its domain is that of each mail's sender`
  return { result: 'unestablished', message }
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
