// Formats the hosts that share a queue, as text and as data. Pure. The caller escapes control characters.

import { leaderConfig, WRONG_CLOCK_MS } from '../../app/hosts-text'
import { iso } from '../../app/job-json'
import { HOST_GONE_MS, HOST_LATE_MS, type HostStats, presentHosts, type QueueStats } from '../../queue/stats'
import type { EpochMs } from '../../units'
import { timeText } from '../explain/words'

/** A line for each host, those that are gone last. */
export function hostLines(stats: QueueStats, nowMs: EpochMs): string[] {
  const { hosts = [], leader } = stats
  const present = presentHosts(stats)
  const gone = hosts.filter(host => !present.includes(host))
  const configs = leaderConfig(stats)
  const width = Math.max(0, ...hosts.map(({ name }) => name.length))
  return [
    ...present.map(host => {
      return `${host.name.padEnd(width)}  ${roleText(host, leader)}, last seen ${timeText(host.silentMs)} ago, ${detailsOf(host, configs)}, up for ${timeText(nowMs - host.startedMs)}`
    }),
    ...gone.map(
      host => `${host.name.padEnd(width)}  gone for ${timeText(host.silentMs)}, ${detailsOf(host, configs)}`,
    ),
    ...(leader?.host === undefined
      ? ['No host leads: nothing is sent.']
      : present.some(({ name }) => name === leader.host)
        ? []
        : [`${leader.host} leads, term ${leader.term}, and hasn't told of itself.`]),
  ]
}

function roleText({ name, silentMs }: HostStats, leader: QueueStats['leader']): string {
  if (name === leader?.host) return `leads, term ${leader.term}`
  return silentMs > HOST_LATE_MS ? 'silent' : 'stands by'
}

function detailsOf({ version, config, skewMs }: HostStats, expected: string | undefined): string {
  const other = expected === undefined || config === expected ? '' : ', another than the leader has'
  const skew = Math.abs(skewMs) < WRONG_CLOCK_MS ? '' : `, its clock is ${skewText(skewMs)} the queue's`
  return `version ${version}, configuration ${config}${other}${skew}`
}

function skewText(skewMs: number): string {
  return `${timeText(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`
}

export function hostData(host: HostStats, { leader }: QueueStats): Record<string, unknown> {
  const { id, name, version, config, startedMs, seenMs, silentMs, skewMs } = host
  const leads = name === leader?.host
  return {
    id,
    name,
    version,
    config,
    leads,
    ...(leads && { term: leader?.term }),
    isPresent: silentMs <= HOST_GONE_MS,
    started: iso(startedMs),
    seen: iso(seenMs),
    silentMs: Math.round(silentMs),
    skewMs: Math.round(skewMs),
  }
}
