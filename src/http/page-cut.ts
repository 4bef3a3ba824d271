// Long values in tables are cut in their middle, so that none pushes the other columns away. The whole value stays in the
// page: as the title, for copying, for a search in the browser, and for people who listen to it. Pure.

import { escapeControls } from '../config/escape'
import { type Html, html, type Part } from './html'

/** A value of this length is shown whole: most addresses are shorter. */
const MOST_SHOWN = 30
/** The end of an address tells more than its middle. */
const SHOWN_END = 14

/** `most`: characters that are shown. */
export function cut(text: string, most = MOST_SHOWN): Part {
  // a control character is shown as several
  const marks = Array.from(escapeControls(text))
  if (marks.length <= most) return text
  const end = Math.min(SHOWN_END, Math.floor(most / 2))
  const [first, middle, last] = [
    marks.slice(0, most - end - 1),
    marks.slice(most - end - 1, -end),
    marks.slice(-end),
  ].map(part => part.join(''))
  return html`<span class="cut" title="${text}">${first}<span>${middle}</span>${last}</span>`
}

/** An address; the null sender as it is written. */
export function cutAddress(address: string): Part {
  return address === '' ? '<>' : cut(address)
}

/** A person's own words: their beginning is enough in a table. */
export function clamped(text: string): Part {
  return text === '' ? '' : html`<span class="clamp" title="${text}">${text}</span>`
}

/** The id of a job or a mail: its ends tell it from others. */
export function cutId(id: string): Part {
  return cut(id, 16)
}

/** A field for the audit. */
export const REASON = html`<label>Reason <input name="reason" maxlength="200" autocomplete="off"></label>`

/** A button that asks for confirmation, without JavaScript too. `asks`: the text about the consequence. */
export function confirmed(word: Part, asks: string, form: Html): Html {
  return html`<details class="confirm"><summary>${word}…</summary><div><p>${asks}</p>${form}</div></details>`
}
