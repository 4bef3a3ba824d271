// The version of this package. Never throws: it is for people to read.

import { readFileSync } from 'node:fs'
import path from 'node:path'

let known: string | undefined

export function packageVersion(): string {
  known ??= found()
  return known
}

/** The version in the package.json above this file, both in the sources and in dist/. */
function found(): string {
  for (let folder = __dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const text = readFileSync(path.join(folder, 'package.json'), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      // not here: one folder up
    }
  }
  return 'unknown'
}
