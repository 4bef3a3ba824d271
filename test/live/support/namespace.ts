// A command as process 1 of a pid namespace, as it is in a container: unshare(1) of util-linux starts it.
// The kernel kills processes that the namespace's process 1 leaves behind.

import { type ChildProcess, spawnSync } from 'node:child_process'
import { processes } from './processes'
import { until } from './wait'

/** /proc must show the namespace's own processes; --kill-child: nothing outlives a killed test. */
const NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc']
/** A user other than root needs a user namespace, in which they are root. */
const UNSHARE = process.getuid?.() === 0 ? NAMESPACE : ['--map-root-user', ...NAMESPACE]

export function asProcess1(command: readonly string[]): string[] {
  return ['unshare', ...UNSHARE, ...command]
}

/** The reason why no pid namespace can be made here; undefined: it can. */
export function whyNoProcess1(): string | undefined {
  const { status, error } = spawnSync('unshare', [...UNSHARE, 'true'], { stdio: 'ignore' })
  if (error) return 'there is no unshare here'
  return status === 0 ? undefined : 'this system allows no pid namespace'
}

/** Process 1, by its number outside: unshare waits for it, and hands no signal on. Linux only. */
export function onlyChild({ pid }: ChildProcess): Promise<number> {
  return until(() => processes().find(({ parentPid }) => parentPid === pid)?.pid, {
    what: 'process 1 of the namespace',
  })
}
