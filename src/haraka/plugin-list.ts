// Whether Haraka loads the plugin at all. At boot nothing could say that it doesn't: for `check` alone.

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
