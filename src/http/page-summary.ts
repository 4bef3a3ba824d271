// The upper parts of the first page: the state of the queue with its troubles, and a row for each region.
// Pure. Senders and SES's texts are shown only with the token.

import { hostsText, oddHosts } from '../app/hosts-text'
import type { SurgeRecord } from '../app/surge-files'
import { shortened } from '../config/escape'
import { mailTotalText } from '../quarantine/total-text'
import { failureKind } from '../queue/call-failure'
import { JOB_STATES, type JobState } from '../queue/job'
import { type Blocker, isDispatching, presentHosts, type QueueStats, type RegionStats } from '../queue/stats'
import type { ReasonKind, Verdict } from '../queue/verdict'
import { type Html, html, type Part } from './html'
import { count, leftText, shownTo, since, timeText, type View } from './page-layout'
import { table } from './page-table'
import { ROOT } from './router'

export interface Status {
  stats: QueueStats
  /** Jobs that ended without a bounce in the last hour, by hand too. */
  lost: number
  mailLimitBytes: number
  /** No relay is trusted. */
  isIdle: boolean
  isObserving: boolean
  /** Warnings of relays that stop bounces. */
  relayWarnings: readonly string[]
  surges: readonly SurgeRecord[]
  verdict: Verdict
}

/** The most blocked senders that are shown. */
const SHOWN_BLOCKERS = 20

interface Trouble {
  kind: 'bad' | 'warn' | 'soft'
  text: Part
}

export function statusSection(view: View, now: Status): Html {
  const troubles = troublesOf(view, now)
  const own = VERDICT_CLASS[now.verdict.state]
  const kinds = [own, ...troubles.map(one => one.kind)]
  const kind = (['bad', 'warn'] as const).find(one => kinds.includes(one)) ?? 'good'
  const verdict = html`<p class="${own}">${now.verdict.line}${kind === 'good' && '. All is well.'}</p>
${troubles.length > 0 && html`<ul class="plain">${troubles.map(one => html`<li class="${one.kind}">${one.text}</li>`)}</ul>`}`
  return html`<section id="status" class="status ${kind}" data-live aria-labelledby="status-title">
<h1 id="status-title">Status</h1>
<div class="verdict">${verdict}</div>
<dl class="tiles">${JOB_STATES.map(state => tile(view, state, now.stats.states[state]))}</dl>
<p class="soft">${dispatcherText(now)} ${mailText(now)}${view.isTrusted && html` <a href="${ROOT}/quarantine">Show the quarantine</a>.`}${hostsLine(view, now)}${!view.isTrusted && " Sign in with the token to see addresses, ids, rules and SES's answers."}</p>
</section>`
}

const VERDICT_CLASS = {
  sending: 'good',
  degraded: 'warn',
  stopped: 'bad',
  observing: 'warn',
  idle: 'warn',
} as const

/** Reasons that the list of troubles has no words of its own for. */
const FROM_VERDICT: ReadonlySet<ReasonKind> = new Set([
  'unreachable',
  'failing',
  'throttled',
  'emulator',
  'other_endpoint',
])

/** With a link to its jobs. */
function tile({ isTrusted }: View, state: JobState, jobs: number): Html {
  const number = isTrusted
    ? html`<a href="${ROOT}/search?state=${state}" aria-label="${count(jobs)} ${state}">${count(jobs)}</a>`
    : count(jobs)
  return html`<div class="${state} ${jobs > 0 && 'some'}"><dt>${state}</dt><dd>${number}</dd></div>`
}

/** The worst first. */
function troublesOf(view: View, now: Status): Trouble[] {
  const { stats, isIdle, isObserving, relayWarnings, surges } = now
  const willMiss = stats.regions.reduce((sum, one) => sum + one.willMiss, 0)
  const failures = (['failed', 'expired'] as const).filter(state => stats.states[state] > 0)
  const when = (is: boolean, kind: Trouble['kind'], text: Part): Trouble[] => (is ? [{ kind, text }] : [])
  return [
    ...when(!isDispatching(stats), 'bad', 'No dispatcher runs: nothing is sent.'),
    ...when(
      stats.reload.isRefused,
      'bad',
      html`The configuration has errors; the previous one is in force. <a href="#reload-title">Show the errors</a>`,
    ),
    ...when(willMiss > 0, 'bad', `${count(willMiss)} waiting jobs will miss their deadline at this pace.`),
    ...surges.flatMap(one => when(true, 'bad', surgeText(view, one))),
    ...when(now.lost > 0 && failures.length > 0, 'warn', lostText(view, now.lost, failures)),
    ...stats.blocked.slice(0, SHOWN_BLOCKERS).flatMap(one => when(true, 'warn', blockerText(view, one))),
    ...now.verdict.reasons.flatMap(({ kind, level, lane, text }) =>
      when(
        FROM_VERDICT.has(kind) ||
          (kind === 'no_credentials' && !stats.blocked.some(one => one.region === lane)),
        level === 'note' ? 'soft' : 'warn',
        `${text.charAt(0).toUpperCase()}${text.slice(1)}${lane === undefined ? '' : ` (${lane})`}.`,
      ),
    ),
    ...stats.pauses.flatMap(({ region, sinceMs, who, reason }) =>
      when(
        true,
        'warn',
        html`Paused by hand: ${region ?? 'every region'}, for ${since(sinceMs, view.nowMs)}${view.isTrusted && [who !== undefined && `, by ${who}`, reason !== undefined && `: ${reason}`]}.`,
      ),
    ),
    ...hostTroubles(view, now.stats).flatMap(text => when(true, 'warn', text)),
    ...relayWarnings.flatMap(warning => when(true, 'warn', `${warning.replace(/^t/, 'T')}.`)),
    ...when(isNearlyFull(now), 'warn', `The quarantine is nearly full. ${mailText(now)}`),
    ...when(isIdle, 'warn', 'Idle: [relay] trusted is empty, so no mail is looked at.'),
    ...when(isObserving, 'warn', 'mode = observe: decisions are noted, and nothing is done about them.'),
  ]
}

function surgeText(view: View, { by, share }: SurgeRecord): Html {
  return html`${shownTo(view, by)} has refused ${share}: what it refuses is 450, and nothing is bounced, until it accepts a recipient or <code>ses-bounce refusals resume</code>.`
}

function lostText({ isTrusted }: View, lost: number, states: readonly JobState[]): Html {
  const ways = states.map(state => html` <a href="${ROOT}/search?state=${state}">${state}</a>`)
  return html`In the last hour ${count(lost)} ended without a bounce.${isTrusted && ways}`
}

function blockerText(view: View, { region, bounceSender, nextTryMs, why }: Blocker): Html {
  const what = bounceSender === undefined ? 'anything' : html`bounces from ${shownTo(view, bounceSender)}`
  const next = html`the next attempt is in ${timeText(nextTryMs - view.nowMs)}.`
  const said = why === undefined ? '' : shownTo(view, shortened(why, 300))
  if (why !== undefined && failureKind(why) === 'no_credentials')
    return html`There are no AWS credentials for ${region}, so SES isn't asked; ${next} ${said}.`
  const reason = why === undefined ? '' : html` SES says: ${said}.`
  return html`SES doesn't accept ${what} in ${region}; ${next}${reason}`
}

function dispatcherText({ stats }: Status): string {
  const { silentMs, leader } = stats
  if (silentMs === undefined)
    return leader === undefined
      ? 'No dispatcher has run since this machine started.'
      : 'No dispatcher has run yet.'
  const ago = timeText(silentMs)
  return isDispatching(stats)
    ? `The dispatcher runs; its last heartbeat was ${ago} ago.`
    : `No dispatcher heartbeat for ${ago}.`
}

/** Names of hosts are shown with the token. */
function hostsLine({ isTrusted }: View, { stats }: Status): string {
  const text = hostsText(stats)
  if (text === undefined) return ''
  return isTrusted ? ` ${text}.` : ` Hosts that share the queue: ${presentHosts(stats).length}.`
}

function hostTroubles(view: View, stats: QueueStats): Html[] {
  const { differing, wrongClocks } = oddHosts(stats)
  return [
    ...differing.map(
      ({ name }) =>
        html`Host ${shownTo(view, name)} has another configuration than the host that leads. <code>ses-bounce queue hosts</code> shows them.`,
    ),
    ...wrongClocks.map(
      ({ name, skewMs }) =>
        html`The clock of host ${shownTo(view, name)} is ${timeText(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the queue's, which counts.`,
    ),
  ]
}

function mailText({ stats, mailLimitBytes }: Status): string {
  return `Mail on disk: ${mailTotalText(stats.mail, mailLimitBytes)}.`
}

/** The part of the limit from which it counts as nearly full; the log uses the same. */
const NEARLY_FULL = 0.8

function isNearlyFull({ stats: { mail }, mailLimitBytes }: Status): boolean {
  return mail.kept.bytes + mail.quarantine.bytes >= mailLimitBytes * NEARLY_FULL
}

export function regions(view: View, { stats }: Status): Html {
  const isAllPaused = stats.pauses.some(({ region }) => region === undefined)
  const rows = stats.regions.map(one => regionRow(view, one, stats))
  return html`<section id="regions" data-live aria-labelledby="regions-title">
<h2 id="regions-title">Regions</h2>
${table(
  view,
  [
    { name: 'Region', kind: 'head' },
    { name: 'State', kind: 'nowrap' },
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
    queued === 0 ? 'none waiting' : drainMs === undefined ? 'unknown' : timeText(drainMs),
    nextDeadlineMs === undefined ? 'none' : leftText(nextDeadlineMs, view.nowMs),
    html`<span class="${willMiss > 0 && 'bad'}">${count(willMiss)}</span>`,
    ...(view.mayOperate ? [pausing(region, isOwn)] : []),
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
