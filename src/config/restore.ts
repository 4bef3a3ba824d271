// The saved copy of ses-bounce.ini has no password in it: this takes it from the file as it is now, which may have errors
// elsewhere.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { SETTINGS_FILE } from './load'
import { withPassword } from './secret'

export function restorerFor(configDir: string): (name: string, text: string) => string {
  return (name, text) => (name === SETTINGS_FILE ? withPassword(text, textNow(configDir)) : text)
}

function textNow(configDir: string): string {
  try {
    return readFileSync(path.join(configDir, SETTINGS_FILE), 'utf8')
  } catch {
    return ''
  }
}
