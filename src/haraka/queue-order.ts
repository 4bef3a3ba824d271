// Our hook `queue` comes before that of a plugin with the same priority that stands above ours in config/plugins: Haraka
// orders those by their lines, and that plugin would deliver to recipients that are bounced.

import type { HarakaPlugins, RegisteredHook } from './types'

/** `registered`: Haraka's `registered_hooks`, which it reads for each mail. */
export function queueFirst(
  registered: HarakaPlugins['registered_hooks'],
  plugin: string,
  priority: number,
): void {
  const isOurs = (one: RegisteredHook) => one.plugin === plugin && one.priority === priority
  // stable: the order among ours, and among the others, stays
  for (const hooks of [registered['queue'], registered['queue_outbound']])
    hooks?.sort((one, other) => Number(isOurs(other)) - Number(isOurs(one)))
}
