// The time that Haraka gives each call of a hook (config/plugin_timeout). Haraka starts a timer for each, which costs a mail more
// than most calls, and most of the plugin's answer at once. So in a worker the plugin keeps the limit itself, for answers
// that come later.

import type { HarakaPlugin } from './types'

/** The time limits in seconds, by the plugins that keep them. */
const kept = new WeakMap<HarakaPlugin, number>()

/** To be called when Haraka runs its init hooks, whose time it limits itself. */
export function keepLimit(plugin: HarakaPlugin): void {
  if (kept.has(plugin)) return
  kept.set(plugin, plugin.timeout)
  plugin.timeout = 0
}

/** In seconds; 0: no limit. */
export function limitOf(plugin: HarakaPlugin): number {
  return kept.get(plugin) ?? plugin.timeout
}

/** In milliseconds. Undefined: there is no limit, or Haraka keeps it. */
export function ownLimitMs(plugin: HarakaPlugin): number | undefined {
  const seconds = kept.get(plugin) ?? 0
  return seconds > 0 ? seconds * 1000 : undefined
}
