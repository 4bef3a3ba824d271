// The audit: the record of actions by hand, as plain data. An entry is written in the transaction of its action; an
// action that takes several transactions adds what each has changed to one entry.

import type { Eventually } from '../eventually'
import type { EpochMs } from '../units'
import { newJobId } from './job-id'

/** A command, the HTTP API, the status page. */
export const AUDIT_WAYS = ['cli', 'api', 'page'] as const
export type AuditWay = (typeof AUDIT_WAYS)[number]

export const AUDIT_ACTIONS = [
  'retry',
  'cancel',
  'hold',
  'flush',
  'pause',
  'resume',
  'submit',
  'release',
  'delete',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** Documented in docs/queue.md: long enough to answer questions about a month that has ended. */
export const AUDIT_KEPT_MS = 90 * 86_400_000

/** Somebody who acts by hand. */
export interface Actor {
  /** The name of a user of the system, or of a token. */
  who: string
  via: AuditWay
  /** The name of the host. */
  host: string
}

/** An entry before its action. */
export interface AuditDraft extends Actor {
  id: string
  atMs: EpochMs
  action: AuditAction
  /** The object of the action: ids, a filter, a region. */
  target: string
  /** The actor's reason, in their own words. */
  reason?: string
}

export interface AuditEntry extends AuditDraft {
  /** The jobs, mails or pauses that were changed. */
  items: number
}

/** All defined fields must match. */
export interface AuditQuery {
  action?: AuditAction
  via?: AuditWay
  /** A part of the name, in any case. */
  who?: string
  sinceMs?: EpochMs
  /** Entries from before then. */
  untilMs?: EpochMs
  limit: number
  /** `next` of the page before. */
  before?: number
}

/** Latest first. `next`: `before` of the next page. Undefined: there is none. */
export interface AuditPage {
  entries: AuditEntry[]
  next?: number
}

export interface AuditReader {
  /** Looks at a limited number of entries, so a page with a `next` may have fewer than `limit`, or none. */
  page(query: AuditQuery): Eventually<AuditPage>
}

export interface Audit extends AuditReader {
  /** For an action that isn't a change of the queue. On disk when it returns. */
  add(entry: AuditEntry): Eventually<void>
}

/** Longer than any usual name, list of ids or reason. */
const LONGEST_TEXT = 1000

export function auditDraft(
  { who, via, host }: Actor,
  action: AuditAction,
  { target, reason, atMs }: { target: string; reason?: string; atMs: EpochMs },
): AuditDraft {
  return {
    id: newJobId(atMs),
    atMs,
    who: cut(who),
    via,
    host: cut(host),
    action,
    target: cut(target),
    ...(reason !== undefined && reason !== '' && { reason: cut(reason) }),
  }
}

function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text
}
