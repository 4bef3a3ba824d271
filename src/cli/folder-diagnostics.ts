// Checks the plugin's folder as Haraka would at boot. Changes nothing and opens no file. Another user than the folder's
// owner may run it, so unreadable parts are skipped.

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Diagnostic } from '../config/diagnostics'
import { openToOthers } from '../config/private-files'
import { signatureOfFault } from '../config/sources'

export const FOLDER = 'ses-bounce'

export function folderFindings(harakaDir: string): Diagnostic[] {
  return findingsIn(path.join(harakaDir, FOLDER), FOLDER)
}

function findingsIn(folder: string, shown: string): Diagnostic[] {
  const diagnostic = (severity: Diagnostic['severity'], file: string, message: string): Diagnostic => ({
    severity,
    file,
    line: 0,
    message,
  })
  try {
    const warning = openToOthers(folder, statSync(folder))
    const found = warning === undefined ? [] : [diagnostic('warning', shown, warning)]
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const name = `${shown}/${entry.name}`
      if (entry.isDirectory()) found.push(...findingsIn(path.join(folder, entry.name), name))
      else if (!entry.isFile())
        found.push(diagnostic('error', name, 'only files and folders may be here; remove the link'))
    }
    return found
  } catch (error) {
    const code = signatureOfFault(error)
    // the folder is made at the first start, and another user may run the check
    return code === 'ENOENT' || code === 'EACCES'
      ? []
      : [diagnostic('error', shown, `the folder can't be read (${code})`)]
  }
}
