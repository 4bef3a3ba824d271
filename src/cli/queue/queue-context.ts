// Opens the queue of a Haraka directory, with its settings.
// If there is no usable queue, the reason is returned. Makes nothing.

import { statSync } from 'node:fs'
import path from 'node:path'
import { paceOf } from '../../app/operator-actions'
import { verdictSettings } from '../../app/verdict-settings'
import { openConfiguration } from '../../config/configuration'
import { loadSettings, parseSettings, SETTINGS_FILE } from '../../config/load'
import type { Owner } from '../../config/owner'
import { restorerFor } from '../../config/restore'
import type { Settings } from '../../config/settings'
import { snapshotFile } from '../../config/snapshot'
import { signatureOfFault } from '../../config/sources'
import { errorMessage, type Result } from '../../errors'
import { laneName } from '../../lane'
import type { MailStore } from '../../quarantine/mail-store'
import { openMailStore } from '../../quarantine/open-store'
import { openOperatorQueue } from '../../queue/open'
import type { OperatorQueue, Pace } from '../../queue/operator'
import { targetFor } from '../../queue/target'
import type { VerdictSettings } from '../../queue/verdict-reasons'
import { ownerOf } from '../owner'

export interface Place {
  queue: OperatorQueue
  pace: Pace
  store: MailStore
  /** The limit for mail on disk. */
  limitBytes: number
  verdict: VerdictSettings
  /** The regions of the settings, with each account. */
  lanes: string[]
}

/** `why`: one or more lines. `isAbsent`: there is no file, as before Haraka's first start. */
export interface NoQueue {
  why: string
  isAbsent: boolean
}

/** `become`: called before the first file is opened for writing. */
export async function openQueueContext(
  dir: string,
  env: NodeJS.ProcessEnv,
  become: (owner: Owner) => void,
): Promise<Result<Place, NoQueue>> {
  try {
    const owner = ownerOf(dir)
    const settings = settingsOf(dir, env)
    const { queue, quarantine } = settings
    become(owner)
    const target = targetFor(queue, dir)
    const absent = target.store === 'sqlite' ? whyAbsent(target.file) : undefined
    if (absent !== undefined) return { fault: absent }
    const store = openMailStore(quarantine.store, dir, target)
    const place = {
      queue: await openOperatorQueue(target, { home: store.home }),
      pace: paceOf(settings),
      store,
      limitBytes: quarantine.limitBytes,
      verdict: verdictSettings(settings),
      lanes: lanesOf(settings),
    }
    return { value: place }
  } catch (error) {
    return { fault: { why: errorMessage(error), isAbsent: false } }
  }
}

/**
 * The active settings: with errors in the files the last good ones, as in Haraka. A token or password that only Haraka's
 * or the relay's environment has isn't needed. @throws ConfigurationError
 */
export function settingsOf(dir: string, env: NodeJS.ProcessEnv): Settings {
  const configuration = openConfiguration({
    configDir: path.join(dir, 'config'),
    compile: sources => {
      const file = parseSettings(sources.read(SETTINGS_FILE) ?? '')
      const { settings, diagnostics } = loadSettings(file, env, { unneeded: ['http', 'relay.sqs'] })
      return { value: settings, diagnostics }
    },
    snapshotFile: snapshotFile(dir),
    restored: restorerFor(path.join(dir, 'config')),
    keepsSnapshot: false,
    fallsBack: true,
    // `ses-bounce check` shows the errors
    log: () => undefined,
  })
  configuration.stop()
  return configuration.current()
}

function lanesOf({ ses, accounts }: Settings): string[] {
  return ses.regions.flatMap(region => [
    region,
    ...accounts.map(({ number }) => laneName({ account: number, region })),
  ])
}

function whyAbsent(file: string): NoQueue | undefined {
  try {
    statSync(file)
    return undefined
  } catch (error) {
    const code = signatureOfFault(error)
    const isAbsent = code === 'ENOENT'
    const why = isAbsent
      ? `there is no queue at ${file}; Haraka makes it when it starts with a trusted relay`
      : `the queue at ${file} can't be read (${code}); root can, and the user that Haraka runs as`
    return { why, isAbsent }
  }
}
