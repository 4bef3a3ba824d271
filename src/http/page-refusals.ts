// The refusals of other plugins, and their outcomes: a table on the first page, from the counts of all processes.
// Pure. Names of plugins are shown only with the token.

import { COUNTED, type Sum } from '../queue/counters'
import { type Html, html, type Part } from './html'
import { count, type View } from './page-layout'
import { table } from './page-table'

/** A longer page would not be read. */
const SHOWN = 50

/** The outcomes in metrics-table.ts, in the order of the table's columns. */
const OUTCOMES = ['bounced', 'kept', 'stood', 'deferred', 'observed'] as const

/** Empty without any refusal: most users have no rule about refusals. */
export function refusals(view: View, sums: readonly Sum[]): Html | '' {
  const found = sums.filter(({ name }) => name === COUNTED.refusals)
  if (found.length === 0) return ''
  const rows = new Map<string, { by: string; stage: string; counts: Map<string, number>; all: number }>()
  for (const { labels, value } of found) {
    const { by = '', stage = '', outcome = '' } = labels
    const key = JSON.stringify([by, stage])
    const row = rows.get(key) ?? { by, stage, counts: new Map<string, number>(), all: 0 }
    row.counts.set(outcome, (row.counts.get(outcome) ?? 0) + value)
    row.all += value
    rows.set(key, row)
  }
  const shown = [...rows.values()].toSorted((a, b) => b.all - a.all).slice(0, SHOWN)
  const more = rows.size - shown.length
  return html`<section id="refusals" data-live aria-labelledby="refusals-title">
<h2 id="refusals-title">Refusals by other plugins</h2>
${table(
  view,
  [
    { name: 'Plugin', kind: 'head', isPrivate: true },
    { name: 'Stage', kind: 'nowrap' },
    ...OUTCOMES.map(outcome => ({
      name: `${outcome[0]?.toUpperCase() ?? ''}${outcome.slice(1)}`,
      kind: 'number' as const,
    })),
  ],
  shown.map(({ by, stage, counts }): Part[] => [
    by,
    stage,
    ...OUTCOMES.map(outcome => count(counts.get(outcome) ?? 0)),
  ]),
  'None yet.',
)}
${more > 0 && html`<p class="soft">And ${count(more)} more, which refused less.</p>`}
</section>`
}
