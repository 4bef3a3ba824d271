// The register of hosts in the database. A host whose process ended without a word is forgotten after a day.

import type { HostRegister } from '../hosts'
import { HOST_GONE_MS } from '../stats'
import type { PostgresConnection } from './connection'
import { SCHEMA_FUNCTIONS } from './schema'
import { type HostRow, hostOf } from './stats'

/** Hosts, and the counts of those that are gone. */
const KEEP_MS = 86_400_000

export function hostRegisterOf(connection: PostgresConnection): HostRegister {
  return {
    seen: async note => {
      const { hosts, leader, clockMs } = await connection.call<{
        hosts: HostRow[]
        leader: string | null
        clockMs: number
      }>('see_host_1', {
        ...note,
        upMs: Math.round(note.upMs),
        skewMs: connection.clock.skewMs() ?? 0,
        keepMs: KEEP_MS,
        goneMs: HOST_GONE_MS,
      })
      return {
        hosts: hosts.map(row => hostOf(row, clockMs)),
        ...(leader !== null && { leader }),
        skewMs: connection.clock.skewMs() ?? 0,
      }
    },
    gone: async id => {
      await connection.call('forget_host_1', { id })
    },
    tidy: async version => {
      const functions = SCHEMA_FUNCTIONS.map(({ name }) => name)
      await connection.call('tidy_hosts_1', { version, functions, keepMs: KEEP_MS })
    },
    close: () => connection.close(),
  }
}
