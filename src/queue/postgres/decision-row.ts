// A row of the table decision, and the note of it.

import type { FallbackReason } from '../../config/settings'
import { actionOf, type DecisionNote, storedAction } from '../counters'

export interface DecisionRow {
  at_ms: number
  ses_id: string | null
  sender: string | null
  recipient: string
  rule: string
  action: string
  reason: FallbackReason | ''
  detail: string
  observed: boolean
}

/** Longer than any valid address (RFC 5321 section 4.5.3.1) or usual name. */
const LONGEST_TEXT = 512

export function rowOf(note: DecisionNote): DecisionRow {
  return {
    at_ms: Math.round(note.atMs),
    ses_id: note.sesId === undefined ? null : cut(note.sesId),
    sender: note.sender === undefined ? null : cut(note.sender),
    recipient: cut(note.recipient),
    rule: note.rule ?? '',
    action: storedAction(note),
    reason: note.reason ?? '',
    detail: cut(note.detail ?? ''),
    observed: note.isObserved,
  }
}

export function noteOf(row: DecisionRow): DecisionNote {
  return {
    atMs: row.at_ms,
    ...(row.ses_id !== null && { sesId: row.ses_id }),
    ...(row.sender !== null && { sender: row.sender }),
    recipient: row.recipient,
    ...(row.rule !== '' && { rule: row.rule }),
    ...actionOf(row.action),
    ...(row.reason !== '' && { reason: row.reason }),
    ...(row.detail !== '' && { detail: row.detail }),
    isObserved: row.observed,
  }
}

export function cut(value: string): string {
  return value.slice(0, LONGEST_TEXT)
}
