// Decides for `check --online` whether the database of a shared queue is fine, from its own facts. Each answer names a
// remedy.

import type { Settings } from '../../config/settings'
import { errorMessage } from '../../errors'
import type { DatabaseFacts, SchemaFacts } from '../../queue/database-facts'
import { examineDatabase } from '../../queue/open'
import { type QueueTarget, targetText } from '../../queue/target'
import { timeText } from '../explain/words'
import type { OnlineAnswer } from './online'

/** A mail that a rule bounces waits for two round trips. */
const SLOW_MS = 20
/** The most that a process's time may differ from the queue's. */
const SKEW_MS = 2000
/** Rows that were deleted since stay, and reads become slow. */
const LONG_S = 3600
/** The most tables and functions that are named. */
const MOST_NAMES = 5

/** The most connections of a host beside its workers': dispatcher and master (docs/several-hosts.md). */
const ofDispatcher = (connections: number) => 2 * connections + 4
/** Beside those for mail: two for views and counts. */
const ofWorker = (connections: number) => connections + 2

export interface DatabaseSettings {
  schema: string
  connections: number
  migrates: 'boot' | 'by hand'
  /** Workers of this host's Haraka; the other hosts are taken for alike. */
  workers: number
}

/** Nothing for a queue in a file. Never rejects. */
export async function askDatabase(
  target: QueueTarget,
  queue: Settings['queue'],
  workers: number,
): Promise<OnlineAnswer[]> {
  if (target.store === 'sqlite' || queue.store === 'sqlite') return []
  try {
    const facts = await examineDatabase(target)
    return facts === undefined ? [] : verdictsOf(facts, targetText(target), { ...queue, workers })
  } catch (error) {
    return [{ result: 'error', message: errorMessage(error) }]
  }
}

/** `place`: as each message begins. Pure. */
export function verdictsOf(facts: DatabaseFacts, place: string, settings: DatabaseSettings): OnlineAnswer[] {
  const answers = [
    fine(connectionText(facts)),
    roundTrip(facts),
    ...schemaVerdicts(facts, settings),
    clock(facts),
    commits(facts),
    standbys(facts),
    connections(facts, settings),
    pooler(facts),
    transactions(facts),
  ]
  return answers.flatMap(one => (one === undefined ? [] : { ...one, message: `${place}: ${one.message}` }))
}

function connectionText({ product, isAurora, login, tls }: DatabaseFacts): string {
  return `${product}${isAurora ? ' (Aurora)' : ''}, as "${login}", ${tls ?? 'not encrypted, as it is on this host'}`
}

function roundTrip({ roundTripMs }: DatabaseFacts): OnlineAnswer {
  const text = `a round trip takes ${roundTripMs.toFixed(1)} ms`
  if (roundTripMs <= SLOW_MS) return fine(text)
  return warning(`${text}: a mail that is bounced waits for two; a database in the same region takes 1 or 2`)
}

function schemaVerdicts(facts: DatabaseFacts, settings: DatabaseSettings): OnlineAnswer[] {
  const { schema, canCreate, schemaFault = '', login } = facts
  const grant = `GRANT CREATE ON SCHEMA ${settings.schema} TO ${login} (or ON DATABASE, where there is no schema yet)`
  if (schema !== undefined) return rights(schema, facts, settings)
  if (settings.migrates === 'by hand' || schemaFault.includes('install the newer'))
    return [error(schemaFault)]
  return canCreate
    ? [fine(`the tables aren't there or older; Haraka makes them when it starts (migrate = boot)`)]
    : [
        error(
          `the tables aren't there or older, and this login may not make them: ${grant}, or migrate = by hand`,
        ),
      ]
}

function rights(
  { version, forbidden, addFault }: SchemaFacts,
  { login, canCreate }: DatabaseFacts,
  { schema, migrates }: DatabaseSettings,
): OnlineAnswer[] {
  const more = forbidden.length - MOST_NAMES
  const names = forbidden.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '')
  const isFine = forbidden.length === 0
  return [
    fine(`the schema ${schema} is of version ${version}`),
    ...(isFine
      ? []
      : [error(`"${login}" may not use ${names}: see docs/several-hosts.md for the rights it needs`)]),
    ...(migrates === 'boot' && !canCreate
      ? [
          warning(
            `"${login}" may not change the tables, so that the next version can't: GRANT CREATE ON SCHEMA ${schema} TO ${login}, or migrate = by hand`,
          ),
        ]
      : []),
    addFault === undefined
      ? fine('a bounce can be added; it was rolled back')
      : error(`a bounce can't be added: ${addFault}`),
  ]
}

function clock({ skewMs }: DatabaseFacts): OnlineAnswer {
  if (Math.abs(skewMs) <= SKEW_MS) return fine("this host's clock agrees with the database's")
  const where = `${timeText(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`
  return warning(`this host's clock is ${where} the database's, which counts; set it by NTP`)
}

function commits({ synchronousCommit }: DatabaseFacts): OnlineAnswer | undefined {
  if (synchronousCommit !== 'off' && synchronousCommit !== 'local') return undefined
  return fine(`synchronous_commit is ${synchronousCommit}; the queue turns it on for what it has answered`)
}

function standbys({ isAurora, isRds, standbys }: DatabaseFacts): OnlineAnswer {
  if (isAurora) return fine('Aurora keeps each commit in three zones')
  if (isRds)
    return unestablished(
      'whether another server takes over without a loss could not be established on RDS: Multi-AZ does, a read replica that is promoted does not',
    )
  if (standbys.length === 0) return fine('no standby is connected')
  if (standbys.some(state => state === 'sync' || state === 'quorum'))
    return fine('a standby has each commit before it is answered')
  if (standbys.includes(null))
    return unestablished(
      'whether the standbys are synchronous could not be established: GRANT pg_monitor lets this login see it',
    )
  return warning(
    "all standbys are asynchronous: if one of them takes over, answered bounces are lost; set synchronous_standby_names = 'ANY 1 (...)'",
  )
}

function connections(
  { mostConnections, schema, pooler }: DatabaseFacts,
  { connections, workers }: DatabaseSettings,
): OnlineAnswer | undefined {
  if (pooler === 'transaction') return undefined
  const hosts = Math.max(1, schema?.hosts ?? 1)
  const needed = hosts * (workers * ofWorker(connections) + ofDispatcher(connections))
  const text = `${hosts === 1 ? 'one host like this takes' : `${hosts} hosts like this take`} up to ${needed} connections, and the server has ${mostConnections}`
  return needed <= mostConnections
    ? fine(text)
    : warning(`${text}: raise max_connections, or put a pooler in transaction mode between`)
}

function pooler({ pooler }: DatabaseFacts): OnlineAnswer | undefined {
  if (pooler === 'none') return undefined
  if (pooler === 'transaction') return fine('a pooler in transaction mode is between')
  return unestablished(
    'something is between this host and the server, a pooler or a gateway; whether a pooler is in transaction mode, as it must be, could not be established',
  )
}

function transactions({ longestTransactionS }: DatabaseFacts): OnlineAnswer | undefined {
  if (longestTransactionS <= LONG_S) return undefined
  return warning(
    `a transaction has been open for ${timeText(longestTransactionS * 1000)}: deleted rows stay, and the queue becomes slow; pg_stat_activity shows it`,
  )
}

function fine(message: string): OnlineAnswer {
  return { result: 'fine', message }
}

function warning(message: string): OnlineAnswer {
  return { result: 'warning', message }
}

function error(message: string): OnlineAnswer {
  return { result: 'error', message }
}

function unestablished(message: string): OnlineAnswer {
  return { result: 'unestablished', message }
}
