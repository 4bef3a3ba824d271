// Where this package is: the sources and what is compiled from them ask for it alike.

import { existsSync } from 'node:fs'
import path from 'node:path'

/** Where package.json and node_modules are. */
export function packageFolder(): string {
  let folder = __dirname
  while (!existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder)
    if (above === folder) throw new Error(`there is no package.json above ${__dirname}`)
    folder = above
  }
  return folder
}

/** A file of dist/ by its path there: a process or thread starts with it much sooner than with the source. */
export function builtFile(file: string): string {
  return path.join(packageFolder(), 'dist', file)
}
