// Checks the places of jobs and mail together: each store has keys of its own. Pure.

import type { Values } from './schema'

/** The keys that were read from the file, with their lines. */
export interface ReadKeys {
  /** The line of a key that is set and could be read. */
  lineOf(section: string, key: string): number | undefined
  /** A key is set, also to a value that is wrong. */
  isSet(section: string, key: string): boolean
  report(severity: 'error' | 'warning', section: string, line: number, message: string): void
}

/** The keys of a database, besides `url`. */
const OF_DATABASE = ['password', 'ca', 'schema', 'connections', 'timeout', 'migrate', 'host'] as const

export function checkStores({ queue, quarantine }: Values, keys: ReadKeys): void {
  const lineOf = (key: string) => keys.lineOf('queue', key)
  // a store that could not be read decides nothing
  if (keys.isSet('queue', 'store') && lineOf('store') === undefined) return
  if (queue.store === 'sqlite') {
    const line = lineOf('url')
    if (line !== undefined && queue.url !== undefined)
      keys.report(
        'error',
        'queue',
        line,
        'url goes with store = postgres; store is sqlite, whose file path names',
      )
    for (const key of OF_DATABASE) {
      const own = lineOf(key)
      if (own !== undefined)
        keys.report('warning', 'queue', own, `${key} goes with store = postgres, and has no effect`)
    }
    return
  }
  const path = lineOf('path')
  if (path !== undefined)
    keys.report(
      'error',
      'queue',
      path,
      'path goes with store = sqlite; store is postgres, whose database url names',
    )
  if (queue.url === undefined && (lineOf('url') !== undefined || !keys.isSet('queue', 'url'))) {
    const line = lineOf('url') ?? lineOf('store') ?? 0
    keys.report('error', 'queue', line, 'store = postgres needs url = postgres://USER@HOST:5432/DATABASE')
  }
  if (quarantine.store !== 'folder') return
  const message =
    'each host keeps quarantined mail in a folder of its own; store = s3://BUCKET/PREFIX keeps it in one place for all'
  keys.report('warning', 'quarantine', keys.lineOf('quarantine', 'store') ?? 0, message)
}
