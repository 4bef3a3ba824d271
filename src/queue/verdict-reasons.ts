// The reasons of a verdict, from the outcomes of the calls, pauses and settings. Pure. No text of theirs is private but an
// operator's reason for a pause.

import { shortened } from '../config/escape'
import type { EpochMs } from '../units'
import { failureKind } from './call-failure'
import { type Blocker, isDispatching, type QueueStats, type RegionStats } from './stats'

export const REASON_KINDS = [
  'queue_unusable',
  'idle',
  'no_dispatcher',
  'paused',
  'no_credentials',
  'blocked',
  'unreachable',
  'failing',
  'throttled',
  'held',
  'missing_deadlines',
  'configuration_refused',
  'observing',
  'emulator',
  'other_endpoint',
] as const
export type ReasonKind = (typeof REASON_KINDS)[number]

export interface Reason {
  kind: ReasonKind
  /** `stopped`: it doesn't end by itself. `note`: the verdict doesn't change. */
  level: 'stopped' | 'degraded' | 'note'
  /** Bounces don't go out because of it. */
  stops: boolean
  /** Undefined: every lane. */
  lane?: string
  sinceMs?: EpochMs
  nextTryMs?: EpochMs
  /** The text without a full stop. */
  text: string
}

/** The configuration, as far as it counts here. */
export interface VerdictSettings {
  /** No relay is trusted. */
  isIdle: boolean
  /** mode = observe */
  isObserving: boolean
  endpoint: 'aws' | 'emulator' | 'other'
  /** The time from one call to the next, by the settings. */
  spacingMs: number
}

/** The verdict is one line. */
const SHOWN_REASON = 200

/** There is no queue, or no mail for it. */
export const IDLE: Reason = {
  kind: 'idle',
  level: 'stopped',
  stops: true,
  text: 'no relay is trusted, so no mail is looked at',
}

/** The worst first. */
export function reasonsOf(stats: QueueStats, settings: VerdictSettings, nowMs: EpochMs): Reason[] {
  const isSilent = !isDispatching(stats)
  const found: Reason[] = [
    ...(settings.isIdle ? [IDLE] : []),
    ...(isSilent && !settings.isIdle ? [noDispatcher(stats)] : []),
    ...stats.pauses.map(({ region, sinceMs, reason }) => ({
      ...ofLane('paused', 'stopped', region),
      sinceMs,
      text: `paused by hand${region === undefined ? '' : ` in ${region}`} since ${clockText(sinceMs, nowMs)}${reason === undefined ? '' : `: ${shortened(reason, SHOWN_REASON)}`}`,
    })),
    ...stats.blocked.map(one => blockedReason(one, nowMs)),
    ...failingReasons(stats, nowMs),
    ...stats.regions.flatMap(one => throttledReason(one, stats, settings)),
    ...stats.regions.flatMap(heldReason),
    ...missReason(stats.regions),
    ...(stats.reload.isRefused
      ? [
          note(
            'configuration_refused',
            'degraded',
            'the configuration has errors; the previous one is in force',
          ),
        ]
      : []),
    ...(settings.isObserving
      ? [note('observing', 'note', 'mode = observe: decisions are noted, and nothing is bounced')]
      : []),
    ...ENDPOINTS[settings.endpoint],
  ]
  const order = { stopped: 0, degraded: 1, note: 2 }
  return found.toSorted((one, other) => order[one.level] - order[other.level])
}

const ENDPOINTS: Readonly<Record<VerdictSettings['endpoint'], readonly Reason[]>> = {
  aws: [],
  emulator: [note('emulator', 'note', 'bounces go to the local emulator, not to SES')],
  other: [note('other_endpoint', 'note', 'bounces go to a server on this machine, not to SES')],
}

function note(kind: ReasonKind, level: Reason['level'], text: string): Reason {
  return { kind, level, stops: false, text }
}

function ofLane(kind: ReasonKind, level: Reason['level'], lane: string | undefined): Omit<Reason, 'text'> {
  return { kind, level, stops: true, ...(lane !== undefined && { lane }) }
}

function noDispatcher({ silentMs }: QueueStats): Reason {
  const text =
    silentMs === undefined || !Number.isFinite(silentMs)
      ? 'no dispatcher has run'
      : `no dispatcher runs: no heartbeat for ${pastText(silentMs)}`
  return { kind: 'no_dispatcher', level: 'stopped', stops: true, text }
}

/** A sender that is blocked leaves the others of the lane. */
function blockedReason({ region, bounceSender, nextTryMs, why = '' }: Blocker, nowMs: EpochMs): Reason {
  const next = `next try ${nextText(nextTryMs, nowMs)}`
  if (failureKind(why) === 'no_credentials')
    return { ...ofLane('no_credentials', 'stopped', region), nextTryMs, text: `no AWS credentials, ${next}` }
  const what = bounceSender === undefined ? 'anything' : 'bounces of a bounce sender'
  return {
    ...ofLane('blocked', bounceSender === undefined ? 'stopped' : 'degraded', region),
    nextTryMs,
    text: `SES doesn't accept ${what}, ${next}`,
  }
}

const FAILURES = {
  unreachable: ['unreachable', 'SES unreachable'],
  no_credentials: ['no_credentials', 'no AWS credentials'],
  answered: ['failing', 'SES answers with errors'],
} as const

/** Reasons of failing lanes that aren't paused or blocked: nothing is tried there, or it is said already. */
function failingReasons({ failing = [], blocked, pauses }: QueueStats, nowMs: EpochMs): Reason[] {
  const isTold = (lane: string) =>
    blocked.some(one => one.region === lane) ||
    pauses.some(({ region }) => region === undefined || region === lane)
  return failing.flatMap(({ region, sinceMs, nextTryMs, detail }) => {
    if (isTold(region)) return []
    const [kind, text] = FAILURES[failureKind(detail)]
    const next =
      nextTryMs === undefined ? 'no job waits for a next try' : `next try ${nextText(nextTryMs, nowMs)}`
    return [
      {
        ...ofLane(kind, 'degraded', region),
        sinceMs,
        ...(nextTryMs !== undefined && { nextTryMs }),
        text: `${text} since ${clockText(sinceMs, nowMs)}, ${next}`,
      },
    ]
  })
}

/** Counts only SES's answers of the last minute, or the slower pace that they left while jobs wait. */
function throttledReason(
  { region, lastMinute, spacingMs, queued }: RegionStats,
  { failing = [] }: QueueStats,
  settings: VerdictSettings,
): Reason[] {
  const { throttled, sent } = lastMinute
  const isSlower = queued > 0 && spacingMs > settings.spacingMs
  if ((throttled === 0 && !isSlower) || failing.some(one => one.region === region)) return []
  const pace = isSlower ? `: one call every ${(spacingMs / 1000).toFixed(1)} s` : ''
  const stops = throttled > 0 && sent === 0
  return [{ ...ofLane('throttled', 'degraded', region), stops, text: `SES throttles the calls${pace}` }]
}

/** New bounces of the lane go out all the same. */
function heldReason({ region, held, queued, sending }: RegionStats): Reason[] {
  if (held === 0) return []
  const are = held === 1 ? '1 job is' : `${number(held)} jobs are`
  const text = `${are} held until somebody retries or cancels ${held === 1 ? 'it' : 'them'}`
  const others = queued + sending === 0 ? ', and no other waits' : ''
  return [{ ...ofLane('held', 'degraded', region), stops: false, text: `${text}${others}` }]
}

function missReason(regions: readonly RegionStats[]): Reason[] {
  const missing = regions.filter(({ willMiss }) => willMiss > 0)
  const jobs = missing.reduce((sum, { willMiss }) => sum + willMiss, 0)
  if (jobs === 0) return []
  const what =
    jobs === 1
      ? '1 waiting job will miss its deadline'
      : `${number(jobs)} waiting jobs will miss their deadline`
  const when = missing.some(({ isStopped }) => isStopped) ? 'unless somebody acts' : 'as things are'
  const isPace = missing.every(({ drainMs }) => drainMs !== undefined)
  return [note('missing_deadlines', 'degraded', `${what} ${isPace ? 'at this pace' : when}`)]
}

/** `50,000` */
function number(value: number): string {
  return value.toLocaleString('en-US')
}

const DAY_MS = 86_400_000

/** `03:12 UTC`; of another day with its date. */
function clockText(ms: EpochMs, nowMs: EpochMs): string {
  const iso = new Date(ms).toISOString()
  const isLongAgo = nowMs - ms >= DAY_MS
  return `${isLongAgo ? `${iso.slice(0, 10)} ` : ''}${iso.slice(11, 16)} UTC`
}

function nextText(ms: EpochMs, nowMs: EpochMs): string {
  return ms > nowMs ? `in ${waitText(ms - nowMs)}` : 'now'
}

function waitText(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}

/** No longer than it was. */
function pastText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`
}
