// `queue hosts`: the hosts that share the queue, and the one that leads.

import { jsonText } from '../../json'
import { hostData, hostLines } from './hosts-text'
import { type Run, statsOf } from './run'

export async function showHosts(run: Run): Promise<number> {
  const stats = await statsOf(run)
  const { hosts, leader } = stats
  if (run.json) {
    const all = (hosts ?? []).map(host => hostData(host, stats))
    run.out.line(jsonText({ ...(leader && { leader }), hosts: all }))
    return 0
  }
  const lines =
    leader === undefined
      ? ['The queue is a file of this host alone: [queue] store = postgres shares it with others.']
      : hostLines(stats, run.nowMs())
  for (const line of lines) run.out.line(line)
  return 0
}
