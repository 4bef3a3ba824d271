// Formats the queue's numbers as text and as data. Pure. The caller escapes control characters.

import { hostsText } from '../../app/hosts-text'
import { iso } from '../../app/job-json'
import { shortened } from '../../config/escape'
import { formatDuration } from '../../config/values'
import { mailTotalText } from '../../quarantine/total-text'
import { failureKind } from '../../queue/call-failure'
import { JOB_STATES } from '../../queue/job'
import type { Pace, Pause } from '../../queue/operator'
import { isDispatching, type QueueStats, type RegionStats, type RuleCount } from '../../queue/stats'
import type { EpochMs } from '../../units'
import { count, timeText } from '../explain/words'
import { hostData } from './hosts-text'
import { leftText, timeOf } from './job-text'

const SHOWN_RULES = 30

export function statsLines(
  stats: QueueStats,
  rules: readonly RuleCount[],
  pace: Pace,
  limitBytes: number,
  nowMs: EpochMs,
): string[] {
  const { states, regions, oldestMs, nextDeadlineMs } = stats
  const hosts = hostsText(stats)
  return [
    'Jobs',
    ...JOB_STATES.map(state => row(state, number(states[state]))),
    ...(oldestMs === undefined ? [] : [row('oldest', `waits for ${timeText(nowMs - oldestMs)}`)]),
    ...(nextDeadlineMs === undefined
      ? []
      : [row('deadline', `the next: ${leftText(nextDeadlineMs, nowMs)}`)]),
    '',
    'Recipients by rule',
    ...rules.slice(0, SHOWN_RULES).map(ruleLine),
    ...(rules.length > SHOWN_RULES
      ? [`  and ${rules.length - SHOWN_RULES} more rules; --json has them`]
      : []),
    '',
    `Regions, at a call every ${formatDuration(pace.spacingMs)}`,
    ...regions.map(region => `  ${regionText(region, nowMs, pace)}`),
    '',
    ...stats.pauses.map(pauseText),
    ...stats.blocked.map(one => blockedText(one, nowMs)),
    `Mail on disk: ${mailTotalText(stats.mail, limitBytes)}`,
    dispatcherText(stats),
    ...(hosts === undefined ? [] : [`${hosts}.`]),
  ]
}

function ruleLine({ rule, states }: RuleCount): string {
  const counts = JOB_STATES.flatMap(state => {
    const recipients = states[state]
    return recipients === undefined ? [] : [`${number(recipients)} ${state}`]
  })
  return `  [${rule}] ${counts.join(', ')}`
}

/** `eu-west-1: 120 queued (3 not due yet), the next has 23h left; 58 calls in the last minute; drained in 2m` */
export function regionText(region: RegionStats, nowMs: EpochMs, pace: Pace): string {
  const { queued, held, later, sending, lastMinute, nextDeadlineMs } = region
  const { calls, throttled } = lastMinute
  return [
    `${region.region}: ${number(queued)} queued${later > 0 ? ` (${number(later)} not due yet)` : ''}`,
    ...(sending > 0 ? [', one is being sent'] : []),
    ...(held > 0 ? [`, ${number(held)} held`] : []),
    ...(nextDeadlineMs === undefined
      ? []
      : [`, the next ${nextDeadlineMs < nowMs ? 'is' : 'has'} ${leftText(nextDeadlineMs, nowMs)}`]),
    `; ${count(calls, 'call')} in the last minute`,
    ...(throttled > 0 ? [`, ${number(throttled)} throttled`] : []),
    ...(region.spacingMs > pace.spacingMs ? [`, a call every ${timeText(region.spacingMs)} now`] : []),
    ...(queued > 0 || region.pausedSinceMs !== undefined ? [`; ${drainedText(region)}`] : []),
  ].join('')
}

function drainedText({ drainMs, willMiss, isStopped, pausedSinceMs }: RegionStats): string {
  const time = drainMs === undefined ? 'drain time unknown' : `drained in ${timeText(drainMs)}`
  const drained = pausedSinceMs === undefined ? time : 'paused'
  if (willMiss === 0) return drained
  return `${drained}; ${number(willMiss)} will miss their window${isStopped ? ' unless somebody acts' : ''}`
}

/** `Paused by hand since 2025-02-20 12:38:04 UTC: eu-west-1, by anna: a new address comes` */
export function pauseText({ region, sinceMs, who, reason }: Pause): string {
  const by = who === undefined ? '' : `, by ${who}`
  const why = reason === undefined ? '' : `: ${reason}`
  return `Paused by hand since ${timeOf(sinceMs)}: ${region ?? 'every region'}${by}${why}`
}

function blockedText(
  { region, bounceSender, nextTryMs, why }: QueueStats['blocked'][number],
  nowMs: EpochMs,
): string {
  const what =
    bounceSender === undefined ? `anything in ${region}` : `bounces from ${bounceSender} in ${region}`
  const next = nextTryMs > nowMs ? `in ${timeText(nextTryMs - nowMs)}` : 'now'
  if (why !== undefined && failureKind(why) === 'no_credentials')
    return `There are no AWS credentials for ${region}, so SES isn't asked: one job is tried each minute, the next ${next}; ${shortened(why, 300)}.`
  const reason = why === undefined ? 'the log says why' : `SES says: ${shortened(why, 300)}`
  return `SES doesn't accept ${what}: one job is tried each minute, the next ${next}; ${reason}.`
}

export function dispatcherText(stats: QueueStats): string {
  const { silentMs, leader } = stats
  if (silentMs === undefined)
    return leader === undefined
      ? 'No dispatcher has run since this machine started.'
      : 'No dispatcher has run yet.'
  return isDispatching(stats)
    ? 'A dispatcher runs.'
    : `No dispatcher runs: no heartbeat for ${timeText(silentMs)}.`
}

/** Times in ISO 8601. */
export function statsData(stats: QueueStats, pace: Pace, nowMs: EpochMs): Record<string, unknown> {
  const { states, regions, oldestMs, nextDeadlineMs } = stats
  return {
    // of two within a second, too
    at: new Date(nowMs).toISOString(),
    states,
    ...(oldestMs !== undefined && { oldest: iso(oldestMs) }),
    ...(nextDeadlineMs !== undefined && { nextDeadline: iso(nextDeadlineMs) }),
    spacingMs: pace.spacingMs,
    regions: regions.map(({ nextDeadlineMs: next, pausedSinceMs: since, ...region }) => ({
      ...region,
      // null: not known
      drainMs: region.drainMs ?? null,
      ...(next !== undefined && { nextDeadline: iso(next) }),
      isPaused: since !== undefined,
    })),
    pauses: pausesData(stats.pauses),
    blocked: stats.blocked.map(({ nextTryMs, ...one }) => ({ ...one, nextTry: iso(nextTryMs) })),
    isDispatching: isDispatching(stats),
    ...(stats.leader && {
      leader: stats.leader,
      hosts: (stats.hosts ?? []).map(host => hostData(host, stats)),
    }),
  }
}

export function pausesData(pauses: readonly Pause[]): Record<string, unknown>[] {
  return pauses.map(({ region, sinceMs, who, reason }) => ({
    ...(region !== undefined && { region }),
    since: iso(sinceMs),
    ...(who !== undefined && { who }),
    ...(reason !== undefined && { reason }),
  }))
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function row(what: string, text: string): string {
  return `  ${what.padEnd(10)} ${text}`
}
