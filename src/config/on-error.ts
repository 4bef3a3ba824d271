// [main] on_error: whether Haraka starts on the last good configuration when its files have errors. Pure.

import { type Environment, loadSettings, parseSettings, SETTINGS_FILE } from './load'
import type { Settings } from './settings'
import type { Sources } from './sources'

/**
 * The value in the files counts, errors elsewhere or not. If it can't be read there, the value of the last good
 * configuration counts: a key that is mistyped, or a file that is gone, is no wish to stop. `saved`: its settings, if
 * there are any.
 */
export function startsOnLastGood(
  broken: Pick<Sources, 'read'>,
  saved: Pick<Settings, 'main'> | undefined,
  env: Environment,
): boolean {
  const { settings, lineOf } = loadSettings(parseSettings(broken.read(SETTINGS_FILE) ?? ''), env)
  const isReadable = lineOf('main', 'on_error') !== undefined
  return (isReadable ? settings : saved)?.main.onError === 'last_good'
}
