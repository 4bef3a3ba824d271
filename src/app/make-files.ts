// The folders and files of the plugin in the Haraka directory.

import path from 'node:path'
import type { Owner } from '../config/owner'
import { claimFolder, makePrivateDir } from '../config/private-files'
import { keptFolder, quarantineFolder } from '../quarantine/folder-store'
import type { PluginQueue } from './plugin-queue'

/** Makes all of them for the workers' user, as the master may be root and the workers not. */
export function makeFiles(
  harakaDir: string,
  owner: Owner,
  queue: PluginQueue,
  log: (level: 'warn', message: string) => void,
): void {
  const folder = path.join(harakaDir, 'ses-bounce')
  makePrivateDir(folder, owner)
  queue.claimFiles(() => {
    for (const warning of claimFolder(folder, owner)) log('warn', warning)
  })
  for (const folderOf of [keptFolder, quarantineFolder]) makePrivateDir(folderOf(harakaDir), owner)
}
