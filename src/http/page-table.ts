// Tables of the pages: on a wide screen as tables, on a phone a card for each row, with the column's name next to each
// cell. Pure. Private columns are left out for untrusted viewers.

import { type Html, html, type Part } from './html'
import type { View } from './page-layout'

export interface Column {
  name: string
  /**
   * `head`: its cells name their rows. `nowrap`: short words, which stay in one piece. `words`: a person's own
   * words, of any length.
   */
  kind?: 'head' | 'nowrap' | 'number' | 'words'
  /** Shown only with the token. */
  isPrivate?: boolean
}

export interface TableOptions {
  /** On a phone the rows beyond the first are shown on demand. The name is that of the table on its page. */
  fewOnPhone?: string
}

/** A table with more columns is wider than a tablet. */
const MANY = 5

/** So many rows are shown at first on a phone (style.ts has the same number). */
export const FEW = 5

/** `none`: the text instead of a table without rows. */
export function table(
  { isTrusted }: Pick<View, 'isTrusted'>,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
  none: string,
  { fewOnPhone }: TableOptions = {},
): Html {
  if (rows.length === 0) return html`<p class="soft">${none}</p>`
  const shown = columns.flatMap((column, index) =>
    isTrusted || column.isPrivate !== true ? [{ ...column, index, ends: endsOf(column) }] : [],
  )
  // a region that scrolls must be reached by keyboard, too
  const whole = html`<div class="scroll ${shown.length > MANY && 'wide'}" tabindex="0" role="region" aria-label="${shown.map(({ name }) => name).join(', ')}"><table>
<thead><tr>${shown.map(({ name, kind }) => html`<th scope="col" class="${kind}" data-column="${name}">${name}</th>`)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${shown.map(({ ends: [open, close], index }) => [open, row[index], close])}</tr>\n`)}</tbody></table></div>`
  if (fewOnPhone === undefined || rows.length <= FEW) return whole
  const id = `all-${fewOnPhone}`
  return html`<div class="few"><input type="checkbox" id="${id}">${whole}
<label for="${id}"><span>Show all ${rows.length}</span><span>Show fewer</span></label></div>`
}

/** The tags of a cell, made once for all rows. */
function endsOf({ name, kind }: Column): [open: Html, close: Html] {
  return kind === 'head'
    ? [html`<th scope="row" data-column="${name}">`, html`</th>`]
    : [html`<td class="${kind}" data-column="${name}">`, html`</td>`]
}
