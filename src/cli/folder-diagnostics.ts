// What is wrong with the plugin's folder, as Haraka would find it at boot. Changes nothing, opens no file, and shows what
// it may look at: whoever runs the check needn't be the folder's owner.

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Diagnostic } from '../config/diagnostics'
import { openToOthers } from '../config/private-files'
import { signatureOfFault } from '../config/sources'

const FOLDER = 'ses-bounce'

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
        found.push(
          diagnostic('error', name, 'only files and folders may stand here; a link is refused, remove it'),
        )
    }
    return found
  } catch (error) {
    const code = signatureOfFault(error)
    // made at the first start; and the check may be run by somebody else
    return code === 'ENOENT' || code === 'EACCES'
      ? []
      : [diagnostic('error', shown, `the folder can't be read (${code})`)]
  }
}
