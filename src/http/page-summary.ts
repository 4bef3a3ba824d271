// The upper parts of the first page: the state of the queue with its troubles, and a row for each region.
// Pure. Senders and SES's texts are shown only with the token.

import { hostsText, oddHosts } from '../app/hosts-text'
import type { SurgeRecord } from '../app/surge-files'
import { shortened } from '../config/escape'
import { mailTotalText } from '../quarantine/total-text'
import { failureKind } from '../queue/call-failure'
import { JOB_STATES, type JobState } from '../queue/job'
import type { Pause } from '../queue/operator'
import { type Blocker, isDispatching, presentHosts, type QueueStats } from '../queue/stats'
import type { Verdict } from '../queue/verdict'
import type { Reason } from '../queue/verdict-reasons'
import { type Html, html, type Part } from './html'
import { count, shownTo, since, timeText, type View } from './page-layout'
import { ROOT } from './router'

export interface Status {
  stats: QueueStats
  /** Jobs that failed or expired in the last hour. */
  lost: number
  mailLimitBytes: number
  /** Warnings of relays that stop bounces. */
  relayWarnings: readonly string[]
  surges: readonly SurgeRecord[]
  verdict: Verdict
}

/** The hour for which page.ts counts. */
const HOUR_MS = 3_600_000
/** The most blocked senders that are shown. */
const SHOWN_BLOCKERS = 20

interface Trouble {
  kind: 'bad' | 'warn' | 'soft'
  text: Part
}

export function statusSection(view: View, now: Status): Html {
  const troubles = troublesOf(view, now)
  const own = VERDICT_CLASS[now.verdict.state]
  const isTroubled = troubles.some(({ kind: one }) => one !== 'soft')
  const kind = own === 'good' && isTroubled ? 'warn' : own
  return html`<section id="status" class="status ${kind}" data-live aria-labelledby="status-title">
<h1 id="status-title" class="verdict ${own}">${now.verdict.line}${kind === 'good' && '. All is well.'}</h1>
${troubles.length > 0 && html`<ul class="reasons">${troubles.map(one => html`<li class="${one.kind}">${one.text}</li>`)}</ul>`}
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

/** The number of jobs in a state, with a link to them. */
function tile({ isTrusted }: View, state: JobState, jobs: number): Html {
  const number = isTrusted
    ? html`<a href="${ROOT}/search?state=${state}" aria-label="${count(jobs)} ${state}">${count(jobs)}</a>`
    : count(jobs)
  return html`<div class="${state} ${jobs > 0 && 'some'}"><dt>${state}</dt><dd>${number}</dd></div>`
}

/** The worst first. The verdict's first reason is its line already, and is here only where there is more to say. */
function troublesOf(view: View, now: Status): Trouble[] {
  const { verdict, relayWarnings, surges } = now
  const [first] = verdict.state === 'sending' ? [] : verdict.reasons
  const when = (is: boolean, kind: Trouble['kind'], text: Part): Trouble[] => (is ? [{ kind, text }] : [])
  const warn = (text: Part): Trouble => ({ kind: 'warn', text })
  return [
    ...surges.map((one): Trouble => ({ kind: 'bad', text: surgeText(view, one) })),
    ...verdict.reasons.flatMap(reason => {
      const texts = detailsOf(reason, view, now)
      const known = reason === first || isToldInLine(reason) ? [] : [reasonText(reason)]
      return (texts ?? known).map((text): Trouble => ({ kind: KINDS[reason.level], text }))
    }),
    ...when(now.lost > 0, 'warn', lostText(view, now.lost)),
    ...hostTroubles(view, now.stats).map(warn),
    ...relayWarnings.map(warning => warn(`${warning.replace(/^t/, 'T')}.`)),
    ...when(isNearlyFull(now), 'warn', `The quarantine is nearly full. ${mailText(now)}`),
  ]
}

const KINDS: Readonly<Record<Reason['level'], Trouble['kind']>> = {
  stopped: 'bad',
  degraded: 'warn',
  note: 'soft',
}

/** Whether verdict.ts adds the reason to its line. */
function isToldInLine({ kind }: Reason): boolean {
  return kind === 'missing_deadlines'
}

function reasonText({ text, lane }: Reason): string {
  const where = lane === undefined || text.includes(lane) ? '' : ` (${lane})`
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${where}.`
}

/** The page's own text for a reason, in place of the reason's text. Undefined: it has none. */
function detailsOf({ kind, lane }: Reason, view: View, { stats }: Status): Part[] | undefined {
  switch (kind) {
    case 'paused':
      return stats.pauses.filter(({ region }) => region === lane).map(one => pauseText(view, one))
    case 'blocked':
    case 'no_credentials': {
      const own = stats.blocked.filter(({ region }) => region === lane).slice(0, SHOWN_BLOCKERS)
      const asked = own.filter(one => isWithoutCredentials(one) === (kind === 'no_credentials'))
      return asked.length === 0 ? undefined : asked.map(one => blockerText(view, one))
    }
    case 'configuration_refused':
      return [
        html`The configuration has errors; the previous one is in force. <a href="#reload-title">Show the errors</a>`,
      ]
    default:
      return undefined
  }
}

function isWithoutCredentials({ why = '' }: Blocker): boolean {
  return failureKind(why) === 'no_credentials'
}

/** Names of tokens and the words of operators are shown with the token. */
function pauseText({ isTrusted, nowMs }: View, { region, sinceMs, reason, who }: Pause): Html {
  const by = isTrusted && who !== undefined && `, by ${who}`
  const why = isTrusted && reason !== undefined && `: ${reason}`
  return html`Paused by hand: ${region ?? 'every region'}, for ${since(sinceMs, nowMs)}${by}${why}.`
}

function surgeText(view: View, { by, share }: SurgeRecord): Html {
  return html`${shownTo(view, by)} has refused ${share}: what it refuses is 450, and nothing is bounced, until it accepts a recipient or <code>ses-bounce refusals resume</code>.`
}

/** The link leads to the jobs that are counted. */
function lostText({ isTrusted, nowMs }: View, lost: number): Html {
  const jobs = `${count(lost)} ${lost === 1 ? 'job' : 'jobs'}`
  const link = `${ROOT}/lost?since=${new Date(nowMs - HOUR_MS).toISOString()}`
  return html`In the last hour ${isTrusted ? html`<a href="${link}">${jobs}</a>` : jobs} ended without a bounce.`
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
  if (silentMs === undefined || !Number.isFinite(silentMs))
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
