// The plugins that Haraka loads, by config/plugins. Pure but for reading it.

import type { Diagnostic } from '../config/diagnostics'
import type { Sources } from '../config/sources'
import { loadedName } from '../mail/refusing-plugins'

export const PLUGINS_FILE = 'plugins'
const NAME = 'ses-bounce'

export interface PluginLine {
  /** The name under which Haraka loads it. */
  name: string
  /** The name in the file, without `haraka-plugin-`. */
  written: string
  line: number
}

/** Reads the file like Haraka: one name on each line; whole lines can be comments. */
export function pluginLines(text: string): PluginLine[] {
  return text.split(/\r\n|\r|\n/).map((raw, index) => {
    const written = raw.trim().replace(/^haraka-plugin-/, '')
    return { name: loadedName(written), written, line: index + 1 }
  })
}

/** Warns when Haraka doesn't load this plugin, or twice. For `check` alone: a plugin that isn't loaded can't warn of it. */
export function notLoadedOnce(sources: Sources): Diagnostic[] {
  const text = sources.read(PLUGINS_FILE)
  const [first, second] = pluginLines(text ?? '').filter(({ name }) => name === NAME)
  if (first !== undefined && second !== undefined) {
    const message = `Haraka loads this plugin twice, as line ${first.line} names it already; remove this line`
    return [{ severity: 'warning', file: PLUGINS_FILE, line: second.line, message }]
  }
  if (text === undefined || first !== undefined) return []
  const message = `Haraka doesn't load this plugin; add the line "${NAME}"`
  return [{ severity: 'warning', file: PLUGINS_FILE, line: 0, message }]
}
