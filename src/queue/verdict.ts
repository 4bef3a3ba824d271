// The one verdict on whether bounces go out, with its reasons, for every view and for health checks. Pure.
// It follows the outcomes of the calls. Nothing in it is private: no address, no host's name, no text of SES. An
// operator's reason for a pause is for people with a token: `withoutReasons` takes it out for others.

import type { EpochMs } from '../units'
import type { QueueStats } from './stats'
import { IDLE, type Reason, reasonsOf, type VerdictSettings } from './verdict-reasons'

export type VerdictState = (typeof VERDICT_STATES)[number]
export const VERDICT_STATES = ['sending', 'degraded', 'stopped', 'observing', 'idle'] as const

/** The numbers for everyone: without the reasons of pauses. */
export function withoutReasons(stats: QueueStats): QueueStats {
  const pauses = stats.pauses.map(({ region, sinceMs }) => ({
    ...(region !== undefined && { region }),
    sinceMs,
  }))
  return { ...stats, pauses }
}

export interface Verdict {
  state: VerdictState
  /** Bounces of every lane go out. */
  isSending: boolean
  /** `Degraded: SES unreachable since 03:12 UTC, next try in 38 s` */
  line: string
  /** The worst first. */
  reasons: readonly Reason[]
  lanes: readonly { lane: string; isSending: boolean }[]
}

export function verdictOf(stats: QueueStats, settings: VerdictSettings, nowMs: EpochMs): Verdict {
  const reasons = reasonsOf(stats, settings, nowMs)
  const stopping = reasons.filter(({ stops }) => stops)
  const isAllStopped = stopping.some(({ lane }) => lane === undefined)
  const lanes = stats.regions.map(({ region }) => ({
    lane: region,
    isSending: !isAllStopped && !stopping.some(({ lane }) => lane === region),
  }))
  const waitForHelp = reasons.filter(({ level }) => level === 'stopped')
  const areAllStopped =
    waitForHelp.some(({ lane }) => lane === undefined) ||
    (lanes.length > 0 && lanes.every(({ lane }) => waitForHelp.some(one => one.lane === lane)))
  const state = stateOf(reasons, settings, areAllStopped)
  return {
    state,
    isSending: stopping.length === 0,
    line: lineOf(state, reasons, stats.regions.length > 1),
    reasons,
    lanes,
  }
}

/** The queue can't be read: mail that is to be bounced gets a temporary refusal. `code`: of the error. */
export function unusableQueue(code: string): Verdict {
  const text = `the queue can't be used (${code}); the log says more`
  const reason: Reason = { kind: 'queue_unusable', level: 'stopped', stops: true, text }
  return { state: 'stopped', isSending: false, line: `Stopped: ${text}`, reasons: [reason], lanes: [] }
}

/** There is no queue yet. */
export function idleVerdict(): Verdict {
  return { state: 'idle', isSending: false, line: `Idle: ${IDLE.text}`, reasons: [IDLE], lanes: [] }
}

const WORDS: Readonly<Record<VerdictState, string>> = {
  sending: 'Sending',
  degraded: 'Degraded',
  stopped: 'Stopped',
  observing: 'Observing',
  idle: 'Idle',
}

function stateOf(
  reasons: readonly Reason[],
  { isIdle, isObserving }: VerdictSettings,
  areAllStopped: boolean,
): VerdictState {
  if (isIdle) return 'idle'
  if (areAllStopped) return 'stopped'
  if (reasons.some(({ level }) => level !== 'note')) return 'degraded'
  return isObserving ? 'observing' : 'sending'
}

function lineOf(state: VerdictState, reasons: readonly Reason[], areSeveral: boolean): string {
  const wanted = state === 'sending' ? undefined : reasons[0]
  if (wanted === undefined) return WORDS[state]
  const others = reasons.filter(one => one !== wanted && one.level !== 'note')
  const { lane, text } = wanted
  const where = areSeveral && lane !== undefined && !text.includes(lane) ? ` (${lane})` : ''
  return `${WORDS[state]}: ${text}${where}${moreText(others)}`
}

/** Names missed deadlines, as the outlook for the jobs matters most, and counts the other reasons. */
function moreText(others: readonly Reason[]): string {
  const missing = others.find(({ kind }) => kind === 'missing_deadlines')
  const rest = others.length - (missing === undefined ? 0 : 1)
  return [
    ...(missing === undefined ? [] : [`; ${missing.text}`]),
    ...(rest === 0 ? [] : [`; and ${rest} more ${rest === 1 ? 'reason' : 'reasons'}`]),
  ].join('')
}
