// A process's connection to the database for flushing its counts, as those of its host. Each flush is one transaction,
// not flushed to the disk.

import {
  COUNTED,
  type Counted,
  type CounterStore,
  labelsKey,
  MOST_SETS,
  OTHER,
  RECENT_DECISIONS,
  withOthers,
} from '../counters'
import type { PostgresConnection } from './connection'
import { cut, rowOf } from './decision-row'

/** A page of errors is enough to act on. */
const MOST_ERRORS = 50
/** States that are remembered: more than processes can be behind each other. */
const KNOWN_STATES = 50
/** Reading the files takes less, and they must be unchanged for longer before they are read. */
const READING_MS = 500

/** `host`: the name of this host. */
export function counterStoreOf(connection: PostgresConnection, host: string): CounterStore {
  return {
    add: async counted => {
      await connection.call('add_counts_1', { host, ...argsOf(counted) })
    },
    close: () => connection.close(),
  }
}

function argsOf({ sums, hits, decisions, reloads, onlyRecipients }: Counted) {
  return {
    sums: sums.map(({ name, labels, value }) => ({
      name,
      labels: labelsKey(labels),
      others: labelsKey(withOthers(labels)),
      value,
    })),
    hits: hits.map(({ rule, hits: number, lastMs }) => ({ rule, hits: number, lastMs: Math.round(lastMs) })),
    decisions: decisions.map(rowOf),
    reloads: reloads.map(({ atMs, state, errors }) => ({
      atMs: Math.round(atMs),
      state,
      errors: errors.slice(0, MOST_ERRORS).map(cut),
    })),
    onlyRecipients,
    reloadSum: {
      name: COUNTED.reloads,
      taken: labelsKey({ result: 'taken' }),
      refused: labelsKey({ result: 'refused' }),
    },
    other: OTHER,
    mostSets: MOST_SETS,
    mostDecisions: RECENT_DECISIONS,
    knownStates: KNOWN_STATES,
    readingMs: READING_MS,
  }
}
