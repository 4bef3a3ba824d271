// The upper parts of the first page: how the queue stands and what is wrong with it, and how each region goes on.
// Pure. Senders and SES's words are shown to those alone who have given the token.

import { shortened } from '../config/escape'
import { mailTotalText } from '../quarantine/total-text'
import { JOB_STATES, type JobState } from '../queue/job'
import { type Blocker, isDispatching, type QueueStats, type RegionStats } from '../queue/stats'
import { type Html, html, type Part } from './html'
import { count, leftText, shownTo, since, timeText, type View } from './page-layout'
import { table } from './page-table'
import { ROOT } from './router'

export interface Standing {
  stats: QueueStats
  /** Jobs that ended without a bounce in the last hour, by hand too. */
  lost: number
  mailLimitBytes: number
  /** No relay is trusted. */
  isIdle: boolean
  isObserving: boolean
  /** Why the relay seems to rewrite recipients. */
  relayWarning?: string
}

/** Bounce senders have little to say beyond those. */
const SHOWN_BLOCKERS = 20

interface Trouble {
  kind: 'bad' | 'warn'
  text: Part
}

export function standing(view: View, now: Standing): Html {
  const troubles = troublesOf(view, now)
  const kind = troubles.some(one => one.kind === 'bad') ? 'bad' : troubles.length > 0 ? 'warn' : 'good'
  const verdict =
    troubles.length === 0
      ? html`<p class="good">All is well.</p>`
      : html`<ul class="plain">${troubles.map(one => html`<li class="${one.kind}">${one.text}</li>`)}</ul>`
  return html`<section id="standing" class="standing ${kind}" data-live aria-labelledby="standing-title">
<h1 id="standing-title">How it stands</h1>
<div class="verdict">${verdict}</div>
<dl class="tiles">${JOB_STATES.map(state => tile(view, state, now.stats.states[state]))}</dl>
<p class="soft">${dispatcherText(now)} ${mailText(now)}${!view.isTrusted && ' Addresses, ids, rules and the words of SES are shown to those who have given the token.'}</p>
</section>`
}

/** With a way to its jobs. */
function tile({ isTrusted }: View, state: JobState, jobs: number): Html {
  const number = isTrusted
    ? html`<a href="${ROOT}/search?state=${state}" aria-label="${count(jobs)} ${state}">${count(jobs)}</a>`
    : count(jobs)
  return html`<div class="${state} ${jobs > 0 && 'some'}"><dt>${state}</dt><dd>${number}</dd></div>`
}

/** The worst first. */
function troublesOf(view: View, now: Standing): Trouble[] {
  const { stats, isIdle, isObserving, relayWarning } = now
  const willMiss = stats.regions.reduce((sum, one) => sum + one.willMiss, 0)
  const failures = (['failed', 'expired'] as const).filter(state => stats.states[state] > 0)
  const when = (is: boolean, kind: Trouble['kind'], text: Part): Trouble[] => (is ? [{ kind, text }] : [])
  return [
    ...when(!isDispatching(stats), 'bad', 'No dispatcher runs: nothing is sent.'),
    ...when(
      stats.reload.isRefused,
      'bad',
      html`The configuration has errors; the one before is in force. <a href="#reload-title">What is wrong</a>`,
    ),
    ...when(
      willMiss > 0,
      'bad',
      `${count(willMiss)} of the jobs that wait will miss their deadline at this pace.`,
    ),
    ...when(now.lost > 0 && failures.length > 0, 'warn', lostText(view, now.lost, failures)),
    ...stats.blocked.slice(0, SHOWN_BLOCKERS).flatMap(one => when(true, 'warn', blockerText(view, one))),
    ...stats.pauses.flatMap(({ region, sinceMs }) =>
      when(
        true,
        'warn',
        html`Paused by hand: ${region ?? 'every region'}, for ${since(sinceMs, view.nowMs)}.`,
      ),
    ),
    ...when(relayWarning !== undefined, 'warn', `${relayWarning?.replace(/^t/, 'T')}.`),
    ...when(isNearlyFull(now), 'warn', `The quarantine is nearly full. ${mailText(now)}`),
    ...when(isIdle, 'warn', 'Idle: [relay] trusted is empty, so no mail is looked at.'),
    ...when(isObserving, 'warn', 'mode = observe: decisions are noted, and nothing is done about them.'),
  ]
}

function lostText({ isTrusted }: View, lost: number, states: readonly JobState[]): Html {
  const ways = states.map(state => html` <a href="${ROOT}/search?state=${state}">${state}</a>`)
  return html`In the last hour ${count(lost)} ended without a bounce.${isTrusted && ways}`
}

function blockerText(view: View, { region, bounceSender, nextTryMs, why }: Blocker): Html {
  const what = bounceSender === undefined ? 'anything' : html`bounces from ${shownTo(view, bounceSender)}`
  const reason = why === undefined ? '' : html` SES says: ${shownTo(view, shortened(why, 300))}.`
  return html`SES doesn't take ${what} in ${region}; the next try is in ${timeText(nextTryMs - view.nowMs)}.${reason}`
}

function dispatcherText({ stats }: Standing): string {
  const { silentMs } = stats
  if (silentMs === undefined) return 'The dispatcher has given no sign since this machine started.'
  const ago = timeText(silentMs)
  return isDispatching(stats)
    ? `The dispatcher is alive; its last sign was ${ago} ago.`
    : `The dispatcher's last sign was ${ago} ago.`
}

function mailText({ stats, mailLimitBytes }: Standing): string {
  return `Mail on disk: ${mailTotalText(stats.mail, mailLimitBytes)}.`
}

/** Full from here on for most mails; the log says the same. */
const NEARLY_FULL = 0.8

function isNearlyFull({ stats: { mail }, mailLimitBytes }: Standing): boolean {
  return mail.kept.bytes + mail.quarantine.bytes >= mailLimitBytes * NEARLY_FULL
}

export function regions(view: View, { stats }: Standing): Html {
  const isAllPaused = stats.pauses.some(({ region }) => region === undefined)
  const rows = stats.regions.map(one => regionRow(view, one, stats))
  return html`<section id="regions" data-live aria-labelledby="regions-title">
<h2 id="regions-title">Regions</h2>
${table(
  view,
  [
    { name: 'Region', kind: 'head' },
    { name: 'State', kind: 'nowrap' },
    { name: 'A call every', kind: 'number' },
    { name: 'Waiting', kind: 'number' },
    { name: 'Drained in', kind: 'number' },
    { name: 'Next deadline', kind: 'number' },
    { name: 'Will miss', kind: 'number' },
    { name: 'By hand', kind: 'number', isPrivate: true },
  ],
  rows,
  'No bounce was ever queued.',
)}
${view.isTrusted && rows.length > 0 && html`<div class="actions">${pausing(undefined, isAllPaused)}</div>`}
</section>`
}

function regionRow(view: View, one: RegionStats, { pauses, blocked }: QueueStats): Part[] {
  const { region, spacingMs, queued, nextDeadlineMs, drainMs, willMiss } = one
  const isPaused = one.pausedSinceMs !== undefined
  const isOwn = pauses.some(pause => pause.region === region)
  const isBlocked = blocked.some(blocker => blocker.region === region)
  const states = [...(isPaused ? ['paused by hand'] : []), ...(isBlocked ? ['blocked by SES'] : [])]
  return [
    region,
    html`<span class="${states.length > 0 ? 'warn' : 'good'}">${states.join(', ') || 'working'}</span>`,
    `${(spacingMs / 1000).toFixed(2)} s`,
    count(queued),
    queued === 0 ? 'none wait' : `${timeText(drainMs)}${isPaused ? ' once resumed' : ''}`,
    nextDeadlineMs === undefined ? 'none' : leftText(nextDeadlineMs, view.nowMs),
    html`<span class="${willMiss > 0 && 'bad'}">${count(willMiss)}</span>`,
    pausing(region, isOwn),
  ]
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
