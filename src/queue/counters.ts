// What all processes count together: sums by name and labels, hits of rules, recent decisions, the last reload.
// Counts are hints for people, not records: what a killed process had not handed over yet is lost, and nothing else.

import type { FallbackReason } from '../config/settings'
import type { Action } from '../policy/decision'

export type Labels = Readonly<Record<string, string>>

/** Names as Prometheus has them: what is counted keeps the name under which it is shown. */
export const COUNTED = {
  inspected: 'ses_bounce_mails_inspected_total',
  deferred: 'ses_bounce_mails_deferred_total',
  decisions: 'ses_bounce_decisions_total',
  fallbacks: 'ses_bounce_fallbacks_total',
  refusals: 'ses_bounce_refusals_total',
  calls: 'ses_bounce_calls_total',
  ended: 'ses_bounce_jobs_ended_total',
  reloads: 'ses_bounce_config_reloads_total',
  callBuckets: 'ses_bounce_call_duration_seconds_bucket',
  callSum: 'ses_bounce_call_duration_seconds_sum',
} as const
export type CountedName = (typeof COUNTED)[keyof typeof COUNTED]

export interface Sum {
  name: CountedName
  labels: Labels
  value: number
}

export interface RuleHits {
  rule: string
  /** Recipients that it decided about, in its mode observe too. */
  hits: number
  lastMs: number
}

/** What was decided for a recipient. All but the time and the action may be somebody else's words. */
export interface DecisionNote {
  atMs: number
  sesId?: string
  /** '' is the null sender; undefined: not kept. */
  sender?: string
  recipient: string
  /** Undefined: none decided. */
  rule?: string
  action: Action
  /** Why there is no bounce where a rule wanted one. */
  reason?: FallbackReason
  /** In words: which guard, which cap. */
  detail?: string
  /** Nothing was done about it. */
  isObserved: boolean
}

/** The configuration's files were read; with errors they aren't in force. */
export interface Reload {
  atMs: number
  /** What the files were. Every process reads them: what is known already counts no second time. */
  state: string
  /** As the log has them. */
  errors: readonly string[]
}

export interface ReloadState {
  /** When the configuration that is in force was first read. */
  takenMs?: number
  /** The last one with errors. */
  refused?: Omit<Reload, 'state'>
  /** The files as they are now have errors, and an earlier configuration is in force. */
  isRefused: boolean
}

/** Of mails with one RCPT TO, within an hour: see RelaySigns. */
export interface OnlyRecipients {
  hourMs: number
  mails: number
  besideFor: number
}

export const HOUR_MS = 3_600_000

/** What one process has to hand over. */
export interface Counted {
  sums: readonly Sum[]
  hits: readonly RuleHits[]
  /** Oldest first. */
  decisions: readonly DecisionNote[]
  /** Oldest first. */
  reloads: readonly Reload[]
  onlyRecipients: readonly OnlyRecipients[]
}

export interface CounterStore {
  /** Adds all of it or nothing. Outlives any process, though not a power cut. @throws QueueError */
  add(counted: Counted): void
  close(): void
}

/** So many decisions are kept. */
export const RECENT_DECISIONS = 200
/** So many sets of labels a name can have, and so many rules have hits of their own. */
export const MOST_SETS = 1000
/** In place of a value, once there are too many. */
export const OTHER = 'other'
/** Labels whose values nobody knows beforehand. */
const OPEN_LABELS: ReadonlySet<string> = new Set(['rule', 'region', 'by'])

/** The set that counts for all those that are too many. */
export function withOthers(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, OPEN_LABELS.has(name) ? OTHER : value]),
  )
}

/** The same for the same labels, in whatever order. */
export function labelsKey(labels: Labels): string {
  const names = Object.keys(labels).toSorted()
  return JSON.stringify(Object.fromEntries(names.map(name => [name, labels[name]])))
}
