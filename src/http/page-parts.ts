// The parts of the first page, each a section that is right by itself: how it stands, regions, deadlines, decisions, rules.
// Pure. What comes from a mail, the rules or SES is shown to those alone who have given the token.

import type { DecisionNote, ReloadState, RuleHits } from '../queue/counters'
import type { Blocker, QueueFigures, RegionFigures } from '../queue/figures'
import { JOB_STATES, type Job } from '../queue/job'
import { SILENT_MS } from '../queue/overview'
import type { Pause } from '../queue/store'
import { shortened } from '../settings/escape'
import { type Html, html, type Part } from './html'
import { ROOT } from './mount'
import { ago, count, leftText, shownTo, timeTag, timeText, type View } from './page-layout'

export interface Standing {
  figures: QueueFigures
  pauses: readonly Pause[]
  blockers: readonly Blocker[]
  nowMonoMs: number
  /** No relay is trusted. */
  isIdle: boolean
  isObserving: boolean
}

const SHOWN_RECIPIENTS = 3

export function standing(view: View, now: Standing): Html {
  const troubles = troublesOf(view, now)
  const verdict =
    troubles.length === 0
      ? html`<p class="verdict good">All is well.</p>`
      : html`<ul class="plain">${troubles.map(({ isBad, text }) => html`<li class="verdict ${isBad ? 'bad' : 'warn'}">${text}</li>`)}</ul>`
  return html`<section id="standing" data-live aria-labelledby="standing-title">
<h1 id="standing-title">How it stands</h1>
${verdict}
<p>${dispatcherText(now)}</p>
<dl class="tiles">${JOB_STATES.map(
    state => html`<div><dt>${state}</dt><dd>${count(jobsIn(now.figures, state))}</dd></div>`,
  )}</dl>
</section>`
}

function troublesOf(view: View, now: Standing): { isBad: boolean; text: Part }[] {
  const { figures, pauses, blockers, isIdle, isObserving } = now
  const willMiss = figures.regions.reduce((sum, one) => sum + one.willMiss, 0)
  const bad = (text: Part) => ({ isBad: true, text })
  const warn = (text: Part) => ({ isBad: false, text })
  return [
    ...(isAlive(now) ? [] : [bad('No dispatcher runs: nothing is sent.')]),
    ...(figures.reload.isRefused
      ? [
          bad(
            html`The configuration has errors; the one before is in force. <a href="#reload-title">What is wrong</a>`,
          ),
        ]
      : []),
    ...(willMiss > 0
      ? [bad(`${count(willMiss)} of the jobs that wait will miss their deadline at this pace.`)]
      : []),
    ...blockers.map(one => warn(blockerText(view, one))),
    ...pauses.map(({ region, sinceMs }) =>
      warn(html`Paused by hand: ${region ?? 'every region'}, since ${timeTag(sinceMs)}.`),
    ),
    ...(isIdle ? [warn('Idle: [relay] trusted is empty, so no mail is looked at.')] : []),
    ...(isObserving ? [warn('mode = observe: decisions are noted, and nothing is done about them.')] : []),
  ]
}

function blockerText(view: View, { region, bounceSender, nextTryMs, why }: Blocker): Html {
  const what = bounceSender === undefined ? 'anything' : html`bounces from ${shownTo(view, bounceSender)}`
  const reason = why === undefined ? '' : html` SES says: ${shownTo(view, shortened(why, 300))}.`
  return html`SES doesn't take ${what} in ${region}; the next try is in ${timeText(nextTryMs - view.nowMs)}.${reason}`
}

function dispatcherText(now: Standing): string {
  const { dispatcherBeatMonoMs: beatMs } = now.figures
  if (beatMs === undefined) return 'The dispatcher has given no sign since this machine started.'
  const since = timeText(now.nowMonoMs - beatMs)
  return isAlive(now)
    ? `The dispatcher is alive; its last sign was ${since} ago.`
    : `The dispatcher's last sign was ${since} ago.`
}

function isAlive({ figures: { dispatcherBeatMonoMs: beatMs }, nowMonoMs }: Standing): boolean {
  return beatMs !== undefined && nowMonoMs - beatMs <= SILENT_MS
}

function jobsIn({ jobs }: QueueFigures, state: string): number {
  return jobs.filter(one => one.state === state).reduce((sum, one) => sum + one.jobs, 0)
}

export function regions(view: View, { figures, pauses, blockers }: Standing): Html {
  const rows = figures.regions.map(one => regionRow(view, one, pauses, blockers))
  return html`<section id="regions" data-live aria-labelledby="regions-title">
<h2 id="regions-title">Regions</h2>
${table(
  ['Region', 'A call every', 'Waiting', 'Next deadline', 'Drained in', 'Will miss', 'State'],
  rows,
  'No bounce was ever queued.',
)}
${
  view.isTrusted &&
  html`<div class="actions">${pausing(
    undefined,
    pauses.some(({ region }) => region === undefined),
  )}</div>`
}
</section>`
}

function regionRow(
  view: View,
  one: RegionFigures,
  pauses: readonly Pause[],
  blockers: readonly Blocker[],
): Html {
  const { region, spacingMs, queued, nextDeadlineMs, drainMs, willMiss, isPaused } = one
  const isOwn = pauses.some(pause => pause.region === region)
  const isBlocked = blockers.some(blocker => blocker.region === region)
  const state = [isPaused ? 'paused by hand' : [], isBlocked ? 'blocked by SES' : []].flat().join(', ')
  return html`<tr><th scope="row">${region}</th>
<td>${(spacingMs / 1000).toFixed(2)} s</td><td>${count(queued)}</td>
<td>${nextDeadlineMs === undefined ? 'none' : leftText(nextDeadlineMs, view.nowMs)}</td>
<td>${timeText(drainMs)}</td><td class="${willMiss > 0 && 'bad'}">${count(willMiss)}</td>
<td><span class="${state !== '' && 'warn'}">${state || 'working'}</span> ${view.isTrusted && pausing(region, isOwn)}</td></tr>`
}

/** Undefined: every region. */
function pausing(region: string | undefined, isPaused: boolean): Html {
  const word = isPaused ? 'resume' : 'pause'
  // a pause of every region hides those of its own, which stay
  const what = region ?? (isPaused ? 'all that is paused' : 'every region')
  return html`<form action="${ROOT}/${word}" method="post">
<input type="hidden" name="region" value="${region ?? ''}">
<button>${isPaused ? 'Resume' : 'Pause'} ${what}</button></form>`
}

export function deadlines(view: View, jobs: readonly Job[]): Html {
  return html`<section id="deadlines" data-live aria-labelledby="deadlines-title">
<h2 id="deadlines-title">Next deadlines</h2>
${jobTable(view, jobs, 'Nothing waits.')}
</section>`
}

/** Jobs with a link to the page of each. */
export function jobTable(view: View, jobs: readonly Job[], none: string): Html {
  const rows = jobs.map(job => {
    const { id, state, region, deadlineMs, sender, recipients, tries, reason } = job
    const addresses = recipients.slice(0, SHOWN_RECIPIENTS).map(({ address }) => html`<div>${address}</div>`)
    const more = recipients.length - SHOWN_RECIPIENTS
    const rules = [...new Set(recipients.map(({ rule }) => rule))]
    return html`<tr><td class="nowrap">${leftText(deadlineMs, view.nowMs)}</td>
<td>${shownTo(view, jobLink(id))}</td><td>${state}</td><td>${region}</td>
<td>${shownTo(view, [addresses, more > 0 && `and ${more} more`])}</td><td>${shownTo(view, sender === '' ? '<>' : sender)}</td>
<td>${shownTo(
      view,
      rules.map(rule => html`<div>${rule}</div>`),
    )}</td>
<td>${tries}</td><td>${reason !== undefined && shownTo(view, shortened(reason, 200))}</td></tr>`
  })
  return table(
    ['Deadline', 'Job', 'State', 'Region', 'Recipients', 'Sender', 'Rule', 'Tries', 'Why'],
    rows,
    none,
  )
}

export function jobLink(id: string): Html {
  return html`<a href="${ROOT}/jobs/${encodeURIComponent(id)}">${id}</a>`
}

export function decisions(view: View, notes: readonly DecisionNote[]): Html {
  const rows = notes.map(
    ({ atMs, action, rule, recipient, reason, isObserved, sesId }) =>
      html`<tr><td>${ago(atMs, view.nowMs)}</td><td>${action}${isObserved && ' (observed)'}</td>
<td>${rule === undefined ? 'none' : shownTo(view, rule)}</td><td>${shownTo(view, recipient)}</td><td>${reason}</td>
<td>${sesId !== undefined && shownTo(view, html`<a href="${ROOT}/search?q=${encodeURIComponent(sesId)}">${sesId}</a>`)}</td></tr>`,
  )
  return html`<section id="decisions" data-live aria-labelledby="decisions-title">
<h2 id="decisions-title">Recent decisions</h2>
${table(['When', 'Action', 'Rule', 'Recipient', 'Why no bounce', 'Mail'], rows, 'None yet.')}
</section>`
}

/** `names`: of the rules in force, those that never decided too. */
export function rules(view: View, hits: readonly RuleHits[], names: readonly string[]): Html {
  const silent = names.filter(name => !hits.some(({ rule }) => rule === name))
  const rows = [
    ...hits.map(
      ({ rule, hits: number, lastMs }) => html`<tr><th scope="row">${shownTo(view, rule)}</th>
<td>${count(number)}</td><td>${ago(lastMs, view.nowMs)}</td><td>${names.includes(rule) ? 'in force' : 'not in force now'}</td></tr>`,
    ),
    ...silent.map(
      rule =>
        html`<tr><th scope="row">${shownTo(view, rule)}</th><td>0</td><td>never</td><td>in force</td></tr>`,
    ),
  ]
  return html`<section id="rules" data-live aria-labelledby="rules-title">
<h2 id="rules-title">Rules</h2>
${table(['Rule', 'Recipients', 'Last', 'Now'], rows, 'There are none.')}
</section>`
}

export function lastReload(view: View, { takenMs, refused, isRefused }: ReloadState): Html {
  const taken = takenMs === undefined ? '' : html`<p>In force since ${timeTag(takenMs)}.</p>`
  const errors =
    refused === undefined
      ? html`<p>No configuration was refused.</p>`
      : html`<p class="${isRefused && 'bad'}">Refused ${timeTag(refused.atMs)}${!isRefused && ', and mended since'}: ${count(refused.errors.length)} to put right.</p>
${shownTo(view, html`<ul>${refused.errors.map(error => html`<li><code>${error}</code></li>`)}</ul>`)}`
  return html`<section id="reload" data-live aria-labelledby="reload-title">
<h2 id="reload-title">Configuration</h2>
${taken}${errors}
</section>`
}

export function table(heads: readonly string[], rows: readonly Html[], none: string): Html {
  if (rows.length === 0) return html`<p class="soft">${none}</p>`
  // a region that scrolls must be reached by keyboard, too
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${heads.join(', ')}"><table><thead><tr>${heads.map(
    head => html`<th scope="col">${head}</th>`,
  )}</tr></thead><tbody>${rows}</tbody></table></div>`
}
