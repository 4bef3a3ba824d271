// The texts about the hosts that share a queue. Pure.

import { HOST_LATE_MS, type HostStats, presentHosts, type QueueStats } from '../queue/stats'

/** The most that a process's time may differ from the queue's (functions/take_turn_1.sql). */
export const WRONG_CLOCK_MS = 2000

/** The digest of the leader's configuration. */
export function leaderConfig(stats: QueueStats): string | undefined {
  return presentHosts(stats).find(({ name }) => name === stats.leader?.host)?.config
}

/** `web-1 leads, term 42; also here: web-2, web-3 (last seen 32 s ago)` Undefined: the queue belongs to one host. */
export function hostsText(stats: QueueStats): string | undefined {
  if (stats.leader === undefined) return undefined
  const { host, term } = stats.leader
  const others = presentHosts(stats).filter(({ name }) => name !== host)
  const names = others.map(nameAndSilence).join(', ')
  const leads = host === undefined ? 'No host leads' : `${host} leads, term ${term}`
  return names === '' ? leads : `${leads}; also here: ${names}`
}

function nameAndSilence({ name, silentMs }: HostStats): string {
  return silentMs > HOST_LATE_MS ? `${name} (last seen ${Math.round(silentMs / 1000)} s ago)` : name
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
