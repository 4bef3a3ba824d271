// What is to be compared, by name, and how a suite of it is run. A page knows the names without measuring anything.
// Rejects when a work doesn't do what it is measured for.

import { type Meter, measure, median, type Plan, type Ratio, ratioOf, type Work } from './measure'
import type { Trial } from './trial'

export interface Suite {
  /** For the command line. */
  name: string
  title: string
  /** Markdown. */
  about: string
  /** Over the column of ratios. */
  ratio: string
  /** How a work's own figure is shown, beside the ratio. */
  unit: 'time' | 'rate'
  contests: readonly Contest[]
}

/** Works that are measured in turns. */
export interface Contest {
  rows: readonly Row[]
  /**
   * Made when its turn comes, and given up behind it: nothing is measured in the memory that others fill.
   * With so many inputs at the most.
   */
  prepare(inputs: number): Promise<Prepared>
}

export interface Row {
  name: string
  /** Works by name: the ratio is the CPU time of the first, divided by that of the second. */
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
  /** Medians of the CPU time. */
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
