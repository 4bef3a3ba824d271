// The engines of the queue. What a queue promises is tested with each of them: one more is a line here.

import { postgresStore } from './postgres/store'
import { sqliteStore } from './sqlite/store'
import type { Store } from './store'

export type { Store } from './store'

export interface Engine {
  name: string
  makeStore: () => Promise<Store>
  /** Its part of the runs of a property: an answer over a network takes longer. */
  runs: (all: number) => number
}

export const ENGINES: readonly Engine[] = [
  { name: 'SQLite', makeStore: sqliteStore, runs: all => all },
  { name: 'PostgreSQL', makeStore: postgresStore, runs: all => Math.ceil(all / 4) },
]

/** Its tests, once for each engine. `title`: what is tested, to which `in SQLite` and the like are added. */
export function forEachEngine(
  title: string,
  suite: (makeStore: Engine['makeStore'], engine: Engine) => void,
): void {
  for (const engine of ENGINES) describe(`${title} in ${engine.name}`, () => suite(engine.makeStore, engine))
}
