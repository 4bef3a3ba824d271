// Suites of comparisons: their descriptions, and how they are run. Rejects if a work gives a wrong result.

import { type Meter, measure, median, type Plan, type Ratio, ratioOf, type Work } from './measure'
import type { Trial } from './trial'

export interface Suite {
  /** Its name on the command line. */
  name: string
  title: string
  /** Markdown. */
  about: string
  /** The heading of the column of ratios. */
  ratio: string
  /** The form of absolute figures next to the ratio. */
  unit: 'time' | 'rate'
  contests: readonly Contest[]
}

/** Works that are measured in turns. */
export interface Contest {
  rows: readonly Row[]
  /**
   * Prepares the works just before they are measured; they are released afterwards, so that one contest's memory doesn't
   * affect another. `inputs`: the most different inputs.
   */
  prepare(inputs: number): Promise<Prepared>
}

export interface Row {
  name: string
  /** Names of works: the ratio is the CPU time of `of`, divided by that of `against`. */
  of: string
  against: string
}

export interface Prepared {
  works: Readonly<Record<string, Work>>
  close?(): void
}

export interface Measured {
  name: string
  ratio: Ratio
  /** Medians of the CPU time in microseconds. */
  ofMicros: number
  againstMicros: number
}

export function rowNames(suite: Suite | Trial): string[] {
  if ('run' in suite) return suite.rows.map(({ name }) => name)
  return suite.contests.flatMap(({ rows }) => rows.map(({ name }) => name))
}

export async function run(
  { contests }: Suite,
  plan: Plan,
  meter: Meter,
  onRow: (row: Measured) => void,
): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const contest of contests) {
    const prepared = await contest.prepare(plan.inputs)
    try {
      const rounds = await measure(prepared.works, plan, meter)
      for (const { name, of, against } of contest.rows) {
        const [one = [], other = []] = [rounds[of], rounds[against]]
        const row = {
          name,
          ratio: ratioOf(one, other),
          ofMicros: median(one),
          againstMicros: median(other),
        }
        measured.push(row)
        onRow(row)
      }
    } finally {
      prepared.close?.()
    }
  }
  return measured
}
