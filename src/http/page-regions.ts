// A row for each region on the first page: whether bounces go out there, its pace, its forecast, and pauses by hand.
// Pure.

import type { RegionStats } from '../queue/stats'
import type { Verdict } from '../queue/verdict'
import type { ReasonKind } from '../queue/verdict-reasons'
import { type Html, html, type Part } from './html'
import { confirmed, cut, REASON } from './page-cut'
import { count, left, timeText, type View } from './page-layout'
import type { Status } from './page-summary'
import { table } from './page-table'
import { ROOT } from './router'

export function regions(view: View, { stats, verdict }: Pick<Status, 'stats' | 'verdict'>): Html {
  const isAllPaused = stats.pauses.some(({ region }) => region === undefined)
  const isOwn = (lane: string) => stats.pauses.some(({ region }) => region === lane)
  const rows = stats.regions.map(one => [
    ...regionRow(view, one, verdict),
    ...(view.mayOperate ? [pausing(one.region, isOwn(one.region))] : []),
  ])
  return html`<section id="regions" data-live aria-labelledby="regions-title">
<h2 id="regions-title">Regions</h2>
${table(
  view,
  [
    { name: 'Region', kind: 'head' },
    { name: 'State' },
    { name: 'One call every', kind: 'number' },
    { name: 'Waiting', kind: 'number' },
    { name: 'Drained in', kind: 'number' },
    { name: 'Next deadline', kind: 'number' },
    { name: 'Will miss deadline', kind: 'number' },
    ...(view.mayOperate ? [{ name: 'Pause', kind: 'number' } as const] : []),
  ],
  rows,
  'No bounce has been queued yet.',
)}
${view.mayOperate && rows.length > 0 && html`<div class="actions">${pausing(undefined, isAllPaused)}</div>`}
</section>`
}

/** The reason, in a few words, why bounces of a lane don't go out, or not as they should. */
const WORDS: Partial<Record<ReasonKind, string>> = {
  no_dispatcher: 'no dispatcher',
  paused: 'paused by hand',
  no_credentials: 'no credentials',
  blocked: 'blocked by SES',
  unreachable: 'SES unreachable',
  failing: 'SES fails',
  throttled: 'throttled',
  held: 'jobs held',
}

function regionRow(view: View, one: RegionStats, { reasons, lanes }: Verdict): Part[] {
  const { region, spacingMs, queued, nextDeadlineMs, drainMs, willMiss, isStopped } = one
  const own = reasons.filter(({ lane, level }) => level !== 'note' && (lane === undefined || lane === region))
  const words = [...new Set(own.map(({ kind }) => WORDS[kind]).filter(word => word !== undefined))]
  const isSending = lanes.some(({ lane, isSending: goes }) => lane === region && goes)
  const kind = words.length === 0 ? 'good' : isSending ? 'warn' : 'bad'
  const time = drainMs === undefined ? html`<span class="warn">unknown</span>` : timeText(drainMs)
  return [
    cut(region),
    html`<span class="${kind}">${words.join(', ') || 'working'}</span>`,
    `${(spacingMs / 1000).toFixed(2)} s`,
    count(queued),
    queued === 0 ? html`<span class="soft">none waiting</span>` : time,
    nextDeadlineMs === undefined ? html`<span class="soft">none</span>` : left(nextDeadlineMs, view.nowMs),
    willMiss === 0
      ? '0'
      : html`<span class="bad">${count(willMiss)}</span>${isStopped && html` <span class="soft">unless somebody acts</span>`}`,
  ]
}

/** Undefined: every region. */
function pausing(region: string | undefined, isPaused: boolean): Html {
  // a pause of every region hides those of its own, which stay
  const what = region === undefined ? (isPaused ? 'all that is paused' : 'every region') : cut(region)
  const form = (word: 'pause' | 'resume', button: Part, asked?: Html) =>
    html`<form action="${ROOT}/${word}" method="post">
<input type="hidden" name="region" value="${region ?? ''}">${asked}
<button>${button}</button></form>`
  if (isPaused) return form('resume', ['Resume ', what])
  const asks = 'Its bounces wait until somebody resumes, and expire at their deadlines.'
  return confirmed(['Pause ', what], asks, form('pause', ['Pause ', what], REASON))
}
