// The texts about the hosts that share a queue. Pure.

import { type HostStats, presentHosts, type QueueStats } from '../queue/stats'

/** As far as a process's time may be from the queue's (functions/take_turn_1.sql). */
export const WRONG_CLOCK_MS = 2000

/** Of the host that leads. */
export function leaderConfig(stats: QueueStats): string | undefined {
  return presentHosts(stats).find(({ name }) => name === stats.leader?.host)?.config
}

/** `web-1 leads, term 42; also web-2, web-3` Undefined: the queue belongs to one host. */
export function hostsText(stats: QueueStats): string | undefined {
  if (stats.leader === undefined) return undefined
  const { host, term } = stats.leader
  const others = presentHosts(stats).filter(({ name }) => name !== host)
  const names = others.map(({ name }) => name).join(', ')
  const leads = host === undefined ? 'No host leads' : `${host} leads, term ${term}`
  return names === '' ? leads : `${leads}; also here: ${names}`
}

/** Hosts that run with other files than the host that leads, and those whose clocks are wrong. */
export function oddHosts(stats: QueueStats): { differing: HostStats[]; wrongClocks: HostStats[] } {
  const config = leaderConfig(stats)
  const present = presentHosts(stats)
  return {
    differing: present.filter(host => config !== undefined && host.config !== config),
    wrongClocks: present.filter(({ skewMs }) => Math.abs(skewMs) > WRONG_CLOCK_MS),
  }
}
