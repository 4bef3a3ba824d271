// Checks that Haraka loads the plugin, for `check`: a plugin that isn't loaded can't warn of it.

import type { Diagnostic } from '../config/diagnostics'
import type { Sources } from '../config/sources'

const PLUGINS_FILE = 'plugins'
const NAME = 'ses-bounce'

/** As Haraka reads the file: a name a line, also that of the package; whole lines can be comments. */
export function notLoaded(sources: Sources): Diagnostic[] {
  const text = sources.read(PLUGINS_FILE)
  if (text === undefined) return []
  const names = text.split(/\r\n|\r|\n/).map(line => line.trim().replace(/^haraka-plugin-/, ''))
  if (names.includes(NAME)) return []
  const message = `Haraka doesn't load this plugin; add the line "${NAME}"`
  return [{ severity: 'warning', file: PLUGINS_FILE, line: 0, message }]
}
