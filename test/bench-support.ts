// Suites of the benchmarks, run once with next to nothing: whether they can be, not what they measure.

import assert from 'node:assert/strict'
import { measureAll, thisMachine } from '../bench/main'
import type { Plan } from '../bench/measure'
import { page, rowLine } from '../bench/page'
import { rowNames, type Suite } from '../bench/suite'

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

export function canBeRun(suites: readonly Suite[]): void {
  for (const suite of suites) {
    it(`can be run, each work doing what it is measured for: ${suite.name}`, async () => {
      const said: string[] = []
      const [section] = await measureAll(
        [suite],
        ONCE,
        () => 0,
        line => said.push(line),
      )
      assert(section)
      assert.deepEqual(
        section.rows.map(({ name }) => name),
        rowNames(suite),
      )
      // a clock that stands still: everything counts the same
      assert(section.rows.every(({ ratio }) => ratio.median === 1))
      assert.deepEqual(
        said.slice(1),
        section.rows.map(row => `  ${rowLine(suite, row)}`),
      )
      assert.deepEqual(rowsOf(page([section], ONCE, thisMachine())), [[suite.title, rowNames(suite)]])
    })
  }
}
