// Suites of the benchmarks, run once with next to nothing: whether they can be, not what they measure.

import assert from 'node:assert/strict'
import { type How, measureAll, thisMachine } from '../bench/main'
import type { Plan } from '../bench/measure'
import { page, rowLine, triedLine } from '../bench/page'
import { rowNames, type Suite } from '../bench/suite'
import type { Trial } from '../bench/trial'

export const ONCE: Plan = { inputs: 2, warmUpTimes: 1, warmUpMicros: 1, rounds: 1, batchMicros: 1 }

/** First cells of the table under each heading. */
export function rowsOf(markdown: string): [title: string, rows: string[]][] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map(part => {
      const [title = '', ...lines] = part.split('\n')
      const cells = lines
        .filter(line => line.startsWith('| '))
        .map(line => line.split(' | ')[0]?.slice(2) ?? '')
      return [title, cells.slice(1)]
    })
}

/** By a clock that stands still: everything counts the same. */
const LEAST: How = { plan: ONCE, meter: () => 0, size: 'least' }

export function canBeRun(suites: readonly (Suite | Trial)[]): void {
  for (const suite of suites) {
    it(`can be run, each work doing what it is measured for: ${suite.name}`, async () => {
      const said: string[] = []
      const [section] = await measureAll([suite], LEAST, line => said.push(line))
      assert(section)
      const lines =
        'trial' in section
          ? section.rows.map(triedLine)
          : section.rows.map(row => rowLine(section.suite, row))
      assert.deepEqual(
        said.slice(1),
        lines.map(line => `  ${line}`),
      )
      if ('suite' in section) assert(section.rows.every(({ ratio }) => ratio.median === 1))
      assert.deepEqual(rowsOf(page([section], ONCE, thisMachine())), [[suite.title, rowNames(suite)]])
    })
  }
}
