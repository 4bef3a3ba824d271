// The lower parts of the first page: deadlines, rules, configuration.
// Pure. Texts from a mail, the rules or SES are shown only with the token.

import type { ReloadState, RuleHits } from '../queue/counters'
import type { Job, JobState } from '../queue/job'
import type { EpochMs } from '../units'
import { type Html, html, type Part } from './html'
import { clamped, cut, cutAddress } from './page-cut'
import { ago, count, left, timeTag, type View } from './page-layout'
import { type Column, type TableOptions, table } from './page-table'
import { ROOT } from './router'

const SHOWN_RECIPIENTS = 3
/** The most characters of the name of a rule or a region. */
export const MOST_OF_NAME = 24

export function deadlines(view: View, jobs: readonly Job[]): Html {
  return html`<section id="deadlines" data-live aria-labelledby="deadlines-title">
<h2 id="deadlines-title">Next deadlines</h2>
${jobTable(view, jobs, 'No jobs are waiting.', { fewOnPhone: 'deadlines' })}
</section>`
}

const JOB_COLUMNS: readonly Column[] = [
  { name: 'Job', kind: 'nowrap', isPrivate: true },
  { name: 'State', kind: 'nowrap' },
  { name: 'When', kind: 'nowrap' },
  { name: 'Recipients', isPrivate: true },
  { name: 'Sender', isPrivate: true },
  { name: 'Rule', isPrivate: true },
  { name: 'Region' },
  { name: 'Attempts', kind: 'number' },
  { name: 'Reason', kind: 'words', isPrivate: true },
]

/** Jobs with a link to the page of each. */
export function jobTable(view: View, jobs: readonly Job[], none: string, options: TableOptions = {}): Html {
  return table(
    view,
    JOB_COLUMNS,
    jobs.map(job => jobRow(view, job)),
    none,
    options,
  )
}

function jobRow(view: View, job: Job): Part[] {
  const { id, state, region, sender, recipients, tries, reason } = job
  const addresses = recipients
    .slice(0, SHOWN_RECIPIENTS)
    .map(({ address }) => html`<div>${cut(address)}</div>`)
  const more = recipients.length - SHOWN_RECIPIENTS
  const rules = [...new Set(recipients.map(({ rule }) => rule))]
  return [
    html`<a href="${ROOT}/jobs/${encodeURIComponent(id)}">${id}</a>`,
    badge(state),
    whenText(job, view.nowMs),
    [addresses, more > 0 && `and ${more} more`],
    cutAddress(sender),
    rules.map(rule => html`<div>${cut(rule, MOST_OF_NAME)}</div>`),
    cut(region, MOST_OF_NAME),
    String(tries),
    reason !== undefined && clamped(reason),
  ]
}

/** For a waiting job its deadline, for another one the time since its end. */
function whenText({ state, deadlineMs, changedAtMs }: Job, nowMs: EpochMs): Part {
  return isWaiting(state) ? left(deadlineMs, nowMs) : ago(changedAtMs, nowMs)
}

export function isWaiting(state: JobState): boolean {
  return state === 'queued' || state === 'sending' || state === 'held'
}

/** A fixed word with its colour. */
export function badge(word: string): Html {
  return html`<span class="badge ${word}">${word}</span>`
}

/** To the jobs of an address or an SES id. */
export function searchLink(asked: string, shown: Part = asked): Html {
  return html`<a href="${ROOT}/search?q=${encodeURIComponent(asked)}">${shown}</a>`
}

/** The most rules that are shown. */
const SHOWN_RULES = 100

/** `names`: of all active rules, also those that never decided. */
export function rules(view: View, hits: readonly RuleHits[], names: readonly string[]): Html {
  const most = Math.max(1, ...hits.map(one => one.hits))
  const [activeConfig, decided] = [new Set(names), new Set(hits.map(({ rule }) => rule))]
  const silent = names.filter(name => !decided.has(name))
  const shown = hits.slice(0, SHOWN_RULES)
  const rows: Part[][] = [
    ...shown.map(({ rule, hits: number, lastMs }) => [
      cut(rule),
      [count(number), bar(number / most)],
      ago(lastMs, view.nowMs),
      activeConfig.has(rule) ? 'in force' : html`<span class="soft">not in force now</span>`,
    ]),
    ...silent
      .slice(0, SHOWN_RULES - shown.length)
      .map(rule => [cut(rule), ['0', bar(0)], html`<span class="soft">never</span>`, 'in force']),
  ]
  const more = hits.length + silent.length - rows.length
  return html`<section id="rules" data-live aria-labelledby="rules-title">
<h2 id="rules-title">Rules</h2>
${table(
  view,
  [
    { name: 'Rule', kind: 'head', isPrivate: true },
    { name: 'Recipients', kind: 'number' },
    { name: 'Last', kind: 'nowrap' },
    { name: 'Now', kind: 'nowrap' },
  ],
  rows,
  'There are none.',
  { fewOnPhone: 'rules' },
)}
${more > 0 && html`<p class="soft">And ${count(more)} more rules, which decided fewer recipients or none.</p>`}
</section>`
}

/** `part`: from 0 to 1. */
function bar(part: number): Html {
  const width = (part * 100).toFixed(1)
  return html`<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="sent" width="${width}" height="8"/></svg>`
}

export function lastReload(view: View, { takenMs, refused, isRefused }: ReloadState): Html {
  const taken = takenMs === undefined ? '' : html`<p>In force since ${timeTag(takenMs)}.</p>`
  const errors =
    refused === undefined
      ? html`<p>No configuration was refused.</p>`
      : html`<p class="${isRefused && 'bad'}">Refused ${timeTag(refused.atMs)}${!isRefused && ', fixed since'}: ${count(refused.errors.length)} ${refused.errors.length === 1 ? 'error' : 'errors'}.</p>
${view.isTrusted && html`<ul class="errors">${refused.errors.map(error => html`<li><code>${error}</code></li>`)}</ul>`}`
  return html`<section id="reload" data-live aria-labelledby="reload-title">
<h2 id="reload-title">Configuration</h2>
${taken}${errors}
</section>`
}
