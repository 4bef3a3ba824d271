// The settings for the dispatcher's process. Where accounts leave out a domain of ours, workers keep the configuration
// before: so must the dispatcher, as it would have no role for the bounces that they go on submitting.

import { loadSettings, parseSettings, SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import type { Sources } from '../config/sources'
import { readOwnDomains } from '../haraka/own-domains'
import { compileAccounts } from '../policy/accounts'
import { accountDiagnostics } from './account-diagnostics'
import type { Compiled } from './active-config'

/** The domains' files are read, and watched, only where there are accounts. */
export function compileDispatcherSettings(sources: Sources, env: NodeJS.ProcessEnv): Compiled<Settings> {
  const loaded = loadSettings(parseSettings(sources.read(SETTINGS_FILE) ?? ''), env)
  const { settings, diagnostics } = loaded
  if (settings.accounts.length === 0) return { value: settings, diagnostics }
  const { named } = readOwnDomains(settings.relay.domains, name => sources.read(name))
  const ofAccounts = accountDiagnostics(compileAccounts(settings.accounts), settings, named, {
    ...loaded,
    file: SETTINGS_FILE,
  })
  return { value: settings, diagnostics: [...diagnostics, ...ofAccounts] }
}
