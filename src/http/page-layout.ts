// The layout of every page: headers, head and foot, the form for the token; and texts for times. Pure.
// Pages have no inline scripts or styles, and their headers forbid them.

import type { EpochMs } from '../units'
import { packageVersion } from '../version'
import { type Html, html, type Part } from './html'
import type { Fault, Reply } from './reply'
import { ROOT } from './router'

/** The rights of the viewer, and the time. */
export interface View {
  /** A token was given: addresses, ids and names are shown. */
  isTrusted: boolean
  /** The token may change something: without it there are no buttons. */
  mayOperate: boolean
  /** The name of that token. */
  token?: string
  /** There is a token that could be given. */
  hasToken: boolean
  nowMs: EpochMs
}

const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // with no-referrer a browser would hide the origin of our own forms too (Fetch: append a request `Origin` header)
  'Referrer-Policy': 'same-origin',
}

/** `isStill`: it doesn't renew itself. */
export function page(
  status: number,
  view: View | undefined,
  { title, main, isStill = false }: { title: string; main: Part; isStill?: boolean },
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} - SES bounces</title>
<link rel="icon" href="${ROOT}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${ROOT}/page.css">
<script src="${ROOT}/page.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="name"><a href="${ROOT}/"><img src="${ROOT}/icon.svg" alt="" width="28" height="28">SES bounces</a></p>
<p id="live" class="live" role="status"></p>
${view?.isTrusted && searchForm}
${view && tokenForms(view)}
</header>
<main id="main">
${main}
</main>
<footer>
${view && footText(view, isStill)}
<noscript><p>Without JavaScript, reload the page to see what is new.</p></noscript>
</footer>
</body>
</html>
`
  return { status, headers: { ...PAGE_HEADERS, ...headers }, body: text }
}

/** The page for a fault. It may come from any route, so it doesn't know the viewer's rights. */
export function faultPage({ status, message, more }: Fault): Reply {
  const main = html`<section class="status bad" role="alert"><h1>${FAULTS[status] ?? 'That is not possible'}</h1><p>${message}</p></section>`
  return page(status, undefined, { title: String(status), main }, more.headers)
}

const FAULTS: Readonly<Record<number, string>> = {
  401: 'Please sign in',
  404: 'There is no such page',
  421: 'This name is not allowed',
  503: 'Not available now',
}

const searchForm = html`<form action="${ROOT}/search" method="get" role="search">
<input name="q" type="search" aria-label="Address or id" placeholder="Address or id" maxlength="400" required>
<button>Search</button>
</form>`

function footText({ isTrusted, nowMs }: View, isStill: boolean): Html {
  return html`${isStill ? html`<p id="foot">` : html`<p id="foot" data-live>`}As of ${timeTag(nowMs)}; all times are UTC. ${isTrusted && html`haraka-plugin-ses-bounce ${packageVersion()}, Node ${process.version}.`}</p>`
}

function tokenForms({ isTrusted, mayOperate, hasToken }: View): Html {
  if (isTrusted)
    return html`${!mayOperate && html`<span class="soft">Read only</span>`}<form action="${ROOT}/session/end" method="post"><button>Sign out</button></form>`
  if (!hasToken)
    return html`<p class="soft">Read-only: there is no [http] token in config/ses-bounce.ini.</p>`
  // browsers store a password with a user name
  return html`<form action="${ROOT}/session" method="post">
<input name="username" value="ses-bounce" autocomplete="username" hidden>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>`
}

/** A text that is shown only to trusted viewers. */
export function shownTo({ isTrusted }: View, part: Part): Part {
  return isTrusted ? part : html`<span class="soft">hidden</span>`
}

export function timeTag(ms: number): Html {
  const iso = new Date(ms).toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`
}

/** Units of time, in seconds. */
const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** `2d 3h`, `23h 1m`, `1m 5s`, `0s`: the two largest units. */
export function timeText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const at = UNITS.findIndex(([, unit]) => seconds >= unit)
  const [[name, unit] = ['s', 1], [smaller, part] = ['s', 1]] = UNITS.slice(at)
  const rest = Math.floor((seconds % unit) / part)
  return `${Math.floor(seconds / unit)}${name}${rest > 0 ? ` ${rest}${smaller}` : ''}`
}

export function leftText(deadlineMs: EpochMs, nowMs: EpochMs): string {
  const leftMs = deadlineMs - nowMs
  return leftMs >= 0 ? `${timeText(leftMs)} left` : `${timeText(-leftMs)} too late`
}

/** The time since then, and the time itself. */
export function since(ms: number, nowMs: EpochMs): Html {
  return html`${timeText(nowMs - ms)} (since ${timeTag(ms)})`
}

export function ago(ms: number, nowMs: EpochMs): Html {
  return moment(`${timeText(nowMs - ms)} ago`, ms, nowMs)
}

/** The time that is left, and the time when it ends. */
export function left(deadlineMs: EpochMs, nowMs: EpochMs): Html {
  return moment(leftText(deadlineMs, nowMs), deadlineMs, nowMs)
}

/** A time in both ways: relative to now, and on the clock (UTC), with its date if that isn't today's. */
function moment(text: string, ms: number, nowMs: EpochMs): Html {
  const [iso, today] = [ms, nowMs].map(one => new Date(one).toISOString())
  const isToday = iso?.slice(0, 10) === today?.slice(0, 10)
  const clock = isToday ? iso?.slice(11, 19) : iso?.slice(0, 16).replace('T', ' ')
  return html`<time datetime="${iso}" title="${iso}">${text} <span class="soft">${clock}</span></time>`
}

/** 12,345. Without Intl, whose first use takes 50 ms in a process that serves mail. */
export function count(number: number): string {
  return String(number).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
