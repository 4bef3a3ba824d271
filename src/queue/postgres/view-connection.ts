// The connections for all views, counts and changes by hand of a process, beside those of its mail: a slow view must not
// have mail wait, nor a fault of it drop the connections that mail uses. Closed when the last of its users has closed it.

import { openConnection, type PostgresConnection } from './connection'
import type { PostgresTarget } from './target'

/** A view may take its time, and counts are flushed beside it. */
const CONNECTIONS = 2
/** A command's question may go over all jobs on record. */
const COMMAND_TIMEOUT_MS = 30_000

const shared = new Map<string, { connection: PostgresConnection; users: number }>()

/** One connection for views of the process that serves SMTP, and of the dispatcher's. */
export function shareViewConnection(target: PostgresTarget): PostgresConnection {
  const { host, port, user, database, schema, timeoutMs } = target
  const key = JSON.stringify([host, port, user, database, schema, timeoutMs])
  const found = shared.get(key) ?? { connection: openConnection(forViews(target)), users: 0 }
  found.users += 1
  shared.set(key, found)
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    found.users -= 1
    if (found.users > 0) return
    shared.delete(key)
    await found.connection.close()
  }
  return withClose(found.connection, close)
}

export function openCommandConnection(target: PostgresTarget): PostgresConnection {
  return openConnection(forViews(target, Math.max(target.timeoutMs, COMMAND_TIMEOUT_MS)))
}

/** The password is read for each new connection, so that a copy must not hold the one of now. */
function forViews(target: PostgresTarget, timeoutMs = target.timeoutMs): PostgresTarget {
  return {
    ...target,
    connections: CONNECTIONS,
    timeoutMs,
    // a server that answers nothing is known soon
    connectTimeoutMs: target.timeoutMs,
    get password() {
      return target.password
    },
  }
}

function withClose(connection: PostgresConnection, close: () => Promise<void>): PostgresConnection {
  return {
    target: connection.target,
    schema: connection.schema,
    clock: connection.clock,
    queueClock: connection.queueClock,
    call: (name, args) => connection.call(name, args),
    rows: (sql, values) => connection.rows(sql, values),
    script: (sql, timeoutMs) => connection.script(sql, timeoutMs),
    localPorts: () => connection.localPorts(),
    close,
  }
}
