// The files that are written from the tables. `npm run docs` writes them, and a test fails when one differs.

import { commandTree } from '../cli/command-tree'
import { COMMANDS } from '../cli/main'
import { manPage } from '../cli/man-page'
import { exampleSettings } from '../config/example'
import { packageVersion } from '../version'
import { referencePage } from './page'
import { exampleRules } from './rules-file'

/** The generated files, by their names in the package. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  'config/ses-bounce.ini': exampleSettings,
  'config/ses-bounce-rules.ini': exampleRules,
  'docs/reference.md': referencePage,
  'docs/ses-bounce.1': () => manPage(commandTree(COMMANDS), packageVersion()),
}
