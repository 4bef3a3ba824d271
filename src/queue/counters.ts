// The counts of all processes together: sums by name and labels, hits of rules, recent decisions, the last reload.
// Counts aren't records: those that a killed process had not flushed are lost.

import type { FallbackReason } from '../config/settings'
import type { Action } from '../policy/decision'
import type { EpochMs } from '../units'
import type { Eventually } from './store'

export type Labels = Readonly<Record<string, string>>

/** The names of the metrics in Prometheus. */
export const COUNTED = {
  inspected: 'ses_bounce_mails_inspected_total',
  deferred: 'ses_bounce_mails_deferred_total',
  notifyNever: 'ses_bounce_mails_notify_never_total',
  untrusted: 'ses_bounce_untrusted_ses_mails_total',
  quarantined: 'ses_bounce_mails_quarantined_total',
  decisions: 'ses_bounce_decisions_total',
  fallbacks: 'ses_bounce_fallbacks_total',
  refusals: 'ses_bounce_refusals_total',
  calls: 'ses_bounce_calls_total',
  ended: 'ses_bounce_jobs_ended_total',
  reloads: 'ses_bounce_config_reloads_total',
  callBuckets: 'ses_bounce_call_duration_seconds_bucket',
  callSum: 'ses_bounce_call_duration_seconds_sum',
  storeBuckets: 'ses_bounce_store_duration_seconds_bucket',
  storeSum: 'ses_bounce_store_duration_seconds_sum',
  storeFaults: 'ses_bounce_store_faults_total',
} as const
export type CountedName = (typeof COUNTED)[keyof typeof COUNTED]

export interface Sum {
  name: CountedName
  labels: Labels
  value: number
}

export interface RuleHits {
  rule: string
  /** Recipients that the rule decided about, in its mode observe too. */
  hits: number
  lastMs: EpochMs
}

/** A decision about a recipient. All texts but the action may come from a mail. */
export interface DecisionNote {
  atMs: EpochMs
  sesId?: string
  /** '' is the null sender; undefined: not kept. */
  sender?: string
  recipient: string
  /** Undefined: none decided. */
  rule?: string
  action: Action
  /** The reason why there is no bounce although a rule wanted one. */
  reason?: FallbackReason
  /** More about the reason: the guard or the cap. */
  detail?: string
  /** True: nothing was changed, as the rule or the plugin only observes. */
  isObserved: boolean
  /** A bounce that the recipient has already, or will get: nothing was added. */
  isDuplicate?: true
}

const DUPLICATE = 'duplicate'

/** The action of a note in the form that engines store. */
export function storedAction({ action, isDuplicate }: Pick<DecisionNote, 'action' | 'isDuplicate'>): string {
  return isDuplicate ? DUPLICATE : action
}

export function actionOf(stored: string): Pick<DecisionNote, 'action' | 'isDuplicate'> {
  return stored === DUPLICATE ? { action: 'bounce', isDuplicate: true } : { action: stored as Action }
}

/** A reading of the configuration's files. With errors they didn't become active. */
export interface Reload {
  atMs: EpochMs
  /** The state of the files. Every process reads them, and the same state counts once. */
  state: string
  /** The errors as logged. */
  errors: readonly string[]
}

export interface ReloadState {
  /** The time when the active configuration was first read. */
  takenMs?: EpochMs
  /** The last one with errors. */
  refused?: Omit<Reload, 'state'>
  /** The files have errors now, and an earlier configuration is active. */
  isRefused: boolean
}

/** Numbers of mails with one RCPT TO, within an hour: see RelaySigns. */
export interface OnlyRecipients {
  hourMs: number
  mails: number
  besideFor: number
  /** The relay gave the recipient with NOTIFY=NEVER. */
  notifyNever: number
}

export const HOUR_MS = 3_600_000

/** The counts that one process flushes. */
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
  /** Adds all counts or none. They survive a crash of any process, but not a power cut. @throws QueueError */
  add(counted: Counted): Eventually<void>
  close(): Eventually<void>
}

/** The number of decisions that are kept. */
export const RECENT_DECISIONS = 200
/** The most sets of labels of a name, and the most rules with their own hits. */
export const MOST_SETS = 1000
/** Replaces a value when there are too many. */
export const OTHER = 'other'
/** Labels with any number of values. */
const OPEN_LABELS: ReadonlySet<string> = new Set(['rule', 'region', 'by'])

/** The set that counts for all further ones. */
export function withOthers(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, OPEN_LABELS.has(name) ? OTHER : value]),
  )
}

/** The same for the same labels, in whatever order. */
export function labelsKey(labels: Labels): string {
  const names = Object.keys(labels).toSorted()
  if (names.length === 0) return '{}'
  return JSON.stringify(Object.fromEntries(names.map(name => [name, labels[name]])))
}
