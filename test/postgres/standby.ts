// A standby: a copy of its stopped primary's data folder that reads the primary's log on, as pg_basebackup isn't shipped.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from '../live/support/ports'
import { until } from '../live/support/wait'
import { type PostgresServer, type ServerOptions, startServer } from './server'

export interface StandbyOptions extends Pick<ServerOptions, 'port' | 'settings' | 'logins'> {
  /** The name for the primary's synchronous_standby_names. */
  name: string
  /** Commits of the primary wait for it. */
  isSynchronous?: boolean
}

/** Stops the primary for the copy, and starts it again. */
export async function startStandby(
  primary: PostgresServer,
  { name, isSynchronous = false, port, settings, logins }: StandbyOptions,
): Promise<PostgresServer> {
  await primary.stop()
  if (isSynchronous) primary.set({ synchronous_standby_names: `ANY 1 (${name})` })
  const standby = await startServer({
    port: port ?? (await freePort()),
    dataFolder: primary.dataFolder,
    ...(logins && { logins }),
    settings: {
      ...settings,
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres application_name=${name}`,
      // the primary isn't there at first; PostgreSQL would ask again after 5 s
      wal_retrieve_retry_interval: '100ms',
      // or it would wait for itself once it is promoted
      synchronous_standby_names: '',
    },
    beforeStart: dataFolder => writeFileSync(path.join(dataFolder, 'standby.signal'), ''),
  })
  await primary.start()
  await until(() => isStreaming(primary, name), { what: `the standby ${name} to follow` })
  return standby
}

async function isStreaming(primary: PostgresServer, name: string): Promise<boolean> {
  const rows = await primary.query(
    "SELECT 1 FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'",
    [name],
  )
  return rows.length > 0
}

/** Resolves when it accepts writes. The old primary is left as it is. */
export async function promote(standby: PostgresServer): Promise<void> {
  await standby.query('SELECT pg_promote()')
}
