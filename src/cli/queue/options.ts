// The options of `ses-bounce queue`, each with its reader.
// Throws a UsageError that names the option and the right form.

import type { Command } from 'commander'
import { regionList } from '../../config/list-parsers'
import { DURATION_FORM, parseDurationMs } from '../../config/values'
import { laneName, parseLane } from '../../lane'
import { domainOf, parseAddress, withoutBrackets } from '../../mail/address'
import { AUDIT_ACTIONS, AUDIT_WAYS, type AuditAction, type AuditWay } from '../../queue/audit'
import { JOB_STATES, type JobState } from '../../queue/job'
import type { JobQuery } from '../../queue/operator'
import type { EpochMs } from '../../units'
import { type CommonOptions, countFromOne, UsageError } from '../command-line'
import { type GivenTime, pastTime, timeAt } from '../time-option'
import type { AuditFilter } from './audit'

export interface ListOptions extends CommonOptions {
  state?: JobState[]
  region?: string
  rule?: string
  sender?: string
  recipient?: string
  sesId?: string
  reason?: string
  since?: GivenTime
  until?: GivenTime
  limit?: number
}

/** Options of `retry`, `cancel` and `hold`. */
export interface ActionOptions extends ListOptions {
  dryRun?: true
  yes?: true
  because?: string
}

export interface AuditOptions extends CommonOptions {
  action?: AuditAction
  via?: AuditWay
  by?: string
  since?: GivenTime
  until?: GivenTime
  limit?: number
}

/** Shorter times would only keep the disk busy. */
const LEAST_EVERY_MS = 100

export function addFilters(command: Command): Command {
  return command
    .option('--state <STATE>', `${JOB_STATES.join(', ')}; several with commas, or given again`, addStates)
    .option('--region <REGION>', 'jobs in that region, or ACCOUNT/REGION', regionOf)
    .option('--rule <RULE>', 'jobs of that rule', text => text.replace(/^\[(.*)\]$/, '$1'))
    .option('--sender <ADDRESS>', 'an address, or @HOST for all at a host', senderOf)
    .option('--recipient <ADDRESS>', 'an address', recipientOf)
    .option('--ses-id <ID>', 'the id that SES gave the mail')
    .option(
      '--reason <TEXT>',
      "jobs with that text in the reason for their state: SES's words, or ours",
      reasonOf,
    )
    .option(
      '--since <TIME>',
      'jobs that changed then or later: 2h ago, or 2026-11-26T03:12Z',
      pastTime('--since'),
    )
    .option('--until <TIME>', 'jobs that changed last before then', pastTime('--until'))
    .option('--limit <NUMBER>', 'no more than that', countFromOne('--limit'))
}

export function addAuditFilters(command: Command): Command {
  return command
    .option('--action <ACTION>', AUDIT_ACTIONS.join(', '), oneOf('--action', AUDIT_ACTIONS))
    .option('--by <NAME>', 'a part of the name of a user or a token', reasonOf)
    .option('--via <WAY>', AUDIT_WAYS.join(', '), oneOf('--via', AUDIT_WAYS))
    .option('--since <TIME>', 'then or later: 2h ago, or 2026-11-26T03:12Z', pastTime('--since'))
    .option('--until <TIME>', 'before then', pastTime('--until'))
    .option('--limit <NUMBER>', 'no more than that', countFromOne('--limit'))
}

export function auditFilterOf(
  { action, via, by, since, until, limit }: AuditOptions,
  nowMs: EpochMs,
): AuditFilter {
  return {
    ...(action !== undefined && { action }),
    ...(via !== undefined && { via }),
    ...(by !== undefined && { who: by }),
    ...(since !== undefined && { sinceMs: timeAt(since, nowMs) }),
    ...(until !== undefined && { untilMs: timeAt(until, nowMs) }),
    ...(limit !== undefined && { limit }),
  }
}

function oneOf<const T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return text => {
    const word = words.find(one => one === text.trim().toLowerCase())
    if (word === undefined)
      throw new UsageError(`${option} can't be ${JSON.stringify(text)}; there are ${words.join(', ')}`)
    return word
  }
}

/** An empty text would be in every reason. */
function reasonOf(text: string): string {
  if (text.trim() === '') throw new UsageError('an option needs a text')
  return text
}

/** Whether there is any filter. */
export function hasFilter(options: ListOptions): boolean {
  return Object.keys(queryOf(options, 0)).length > 0
}

export function queryOf(options: ListOptions, nowMs: EpochMs): JobQuery {
  const { state, region, rule, sender, recipient, sesId, reason, since, until, limit } = options
  return {
    ...(state && { states: state }),
    ...(region !== undefined && { region }),
    ...(sender !== undefined && { sender }),
    ...(recipient !== undefined && { recipient }),
    ...(rule !== undefined && { rule }),
    ...(sesId !== undefined && { sesId }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { sinceMs: timeAt(since, nowMs) }),
    ...(until !== undefined && { untilMs: timeAt(until, nowMs) }),
    ...(limit !== undefined && { limit }),
  }
}

function addStates(text: string, before: JobState[] = []): JobState[] {
  const states = text.split(',').map(one => one.trim().toLowerCase())
  const unknown = states.find(state => !isState(state))
  if (unknown !== undefined)
    throw new UsageError(`--state can't be "${unknown}"; there are ${JOB_STATES.join(', ')}`)
  return [...before, ...states.filter(isState)]
}

function isState(text: string): text is JobState {
  return JOB_STATES.some(state => state === text)
}

function senderOf(text: string): string {
  const sender = withoutBrackets(text)
  const isHost = sender.startsWith('@') && domainOf(`x${sender}`) !== undefined
  if (!isHost && parseAddress(sender) === undefined)
    throw new UsageError(`--sender can't be "${sender}"; write an address, or @host`)
  return sender
}

function recipientOf(text: string): string {
  const recipient = withoutBrackets(text)
  if (parseAddress(recipient) === undefined)
    throw new UsageError(`--recipient can't be "${recipient}"; write an address`)
  return recipient
}

/** A region, or a lane with an account: `123456789012/eu-west-1`. */
export function regionOf(text: string): string {
  const lane = parseLane(text)
  const read = regionList.read(lane.region, '--region')
  if ('fault' in read) throw new UsageError(`${read.fault}; with an account 123456789012/eu-west-1`)
  const [region, ...more] = read.value
  if (region === undefined || more.length > 0) throw new UsageError('--region needs one region')
  return laneName({ ...lane, region })
}

export function everyMs(text: string): number {
  const ms = durationOf('--every')(text)
  if (ms < LEAST_EVERY_MS) throw new UsageError(`--every must be ${LEAST_EVERY_MS}ms at least`)
  return ms
}

export function durationOf(option: string): (text: string) => number {
  return text => {
    const ms = parseDurationMs(text)
    if (!ms) throw new UsageError(`${option} can't be "${text}"; write ${DURATION_FORM}`)
    return ms
  }
}
