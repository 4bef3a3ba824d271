// A dispatcher without a Haraka tells the other hosts of itself, as Haraka's master does for its own.

import path from 'node:path'
import { compileActiveConfig } from '../app/active-config'
import { type HostWatch, type HostWatchOptions, watchHosts } from '../app/host-watch'
import { openConfiguration } from '../config/configuration'
import { restorerFor } from '../config/restore'
import { snapshotFile } from '../config/snapshot'
import { systemClock } from '../dispatch/clock'
import { openHostRegister } from '../queue/open'
import { targetFor } from '../queue/target'
import { packageVersion } from '../version'

/** Undefined: the queue is of this host alone. `env`: may hold values of the settings. @throws ConfigurationError */
export function watchAsHost(
  dir: string,
  env: NodeJS.ProcessEnv,
  log: HostWatchOptions['log'],
): HostWatch | undefined {
  const configuration = openConfiguration({
    configDir: path.join(dir, 'config'),
    // all the files count for the digest, the rules too
    compile: sources => compileActiveConfig(sources, env),
    snapshotFile: snapshotFile(dir),
    restored: restorerFor(path.join(dir, 'config')),
    keepsSnapshot: false,
    fallsBack: true,
    // the dispatcher's own reading logs the errors
    log: () => undefined,
  })
  const target = targetFor(configuration.current().settings.queue, dir)
  if (target.store === 'sqlite') {
    configuration.stop()
    return undefined
  }
  const watch = watchHosts({
    open: () => openHostRegister(target),
    name: target.hostName,
    version: packageVersion(),
    config: () => configuration.digest(),
    log,
    monoMs: () => systemClock.monoMs(),
  })
  return {
    stop: async () => {
      configuration.stop()
      await watch.stop()
    },
  }
}
