// The configuration files of one Haraka process: compiled, watched, and replaced by the last good ones where that is allowed.

import { type Configuration, openConfiguration } from '../config/configuration'
import type { ConfigurationOptions } from '../config/configuration-options'
import { SETTINGS_FILE } from '../config/load'
import { startsOnLastGood } from '../config/on-error'
import { restorerFor } from '../config/restore'
import { withoutSecrets } from '../config/secret'
import { type ActiveConfig, compileActiveConfig } from './active-config'

/** Errors in the configuration are logged again once an hour, like other faults that last. */
const REMIND_MS = 3_600_000

type Wanted = Required<
  Pick<
    ConfigurationOptions<ActiveConfig>,
    'configDir' | 'snapshotFile' | 'owner' | 'log' | 'onChange' | 'onRead'
  >
>

/** `isWorker`: of Haraka's cluster. @throws ConfigurationError with every error that the files have */
export function openActiveConfiguration({
  isWorker,
  ...wanted
}: Wanted & { isWorker: boolean }): Configuration<ActiveConfig> {
  return openConfiguration({
    ...wanted,
    compile: sources => compileActiveConfig(sources, process.env),
    keepsSnapshot: !isWorker,
    kept: (name, text) => (name === SETTINGS_FILE ? withoutSecrets(text) : text),
    restored: restorerFor(wanted.configDir),
    // a worker starts while the master runs, so it falls back to the configuration that the master uses
    fallsBack: isWorker || ((broken, saved) => startsOnLastGood(broken, saved?.settings, process.env)),
    ...(!isWorker && { remindsEveryMs: REMIND_MS }),
    // the master reads the files too, and logs their errors
    logsOwnOnly: isWorker,
  })
}
