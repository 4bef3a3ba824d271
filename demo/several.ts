// Plays the demo with several hosts, and ends all parts of it. Resolves with the exit code.

import { HostParts } from './host-start'
import { playHosts, watchHosts } from './hosts'
import type { Terminal } from './terminal'

/** For the end of each Haraka, which people wait for. */
const GRACE_MS = 4000
const LOG_LINES = 12

export async function demoOfHosts(
  count: number,
  once: boolean,
  stop: AbortSignal,
  show: Terminal,
): Promise<number> {
  const parts = new HostParts()
  // an exit from elsewhere must not leave anything behind
  const atExit = () => parts.removeDirectories()
  process.once('exit', atExit)
  try {
    const { reader, ses } = await parts.start(count, show, stop)
    const stage = { hosts: parts.hosts, reader, ses, terminal: show, stop }
    const isOk = await playHosts(stage)
    if (!once) await watchHosts(stage)
    return isOk ? 0 : 1
  } catch (error) {
    show.status('')
    if (stop.aborted) {
      show.line()
      show.line('Ending the hosts, PostgreSQL and the emulators.')
      // without its proof the demo has shown nothing
      return once ? 1 : 0
    }
    show.line(show.paint('red', error instanceof Error ? error.message : String(error)))
    for (const { name, haraka } of parts.hosts)
      for (const line of haraka.log().slice(-LOG_LINES)) show.line(`  ${name}  ${line}`)
    return 1
  } finally {
    await parts.end(GRACE_MS)
    process.removeListener('exit', atExit)
  }
}
