// The audit in the database (functions/add_audit_1.sql, list_audit_1.sql).

import { asciiLower } from '../ascii-lower'
import {
  AUDIT_KEPT_MS,
  type Audit,
  type AuditAction,
  type AuditDraft,
  type AuditEntry,
  type AuditReader,
  type AuditWay,
} from '../audit'
import type { PostgresConnection } from './connection'

/** The same number as in the SQLite engine. */
const MOST_LOOKED_AT = 3000

interface AuditRow {
  id: string
  at_ms: number
  who: string
  via: AuditWay
  host: string
  action: AuditAction
  target: string
  reason: string | null
  items: number
}

export function auditReader(connection: PostgresConnection): AuditReader {
  return {
    page: async ({ before = Number.MAX_SAFE_INTEGER, who, ...query }) => {
      const { entries, next } = await connection.call<{ entries: AuditRow[]; next: number | null }>(
        'list_audit_1',
        { ...query, before, ...(who !== undefined && { who: asciiLower(who) }), most: MOST_LOOKED_AT },
      )
      return { entries: entries.map(entryOf), ...(next !== null && { next }) }
    },
  }
}

export function auditOf(connection: PostgresConnection): Audit {
  return {
    ...auditReader(connection),
    add: async ({ items, ...draft }) => {
      if (items > 0) await connection.call('add_audit_1', { ...auditArgs(draft), items })
    },
  }
}

/** The arguments of `add_audit_1`, without its items. */
export function auditArgs({ atMs, ...draft }: AuditDraft): Record<string, unknown> {
  const at_ms = Math.round(atMs)
  return { ...draft, at_ms, before_ms: at_ms - AUDIT_KEPT_MS }
}

function entryOf({ at_ms, reason, id, who, via, host, action, target, items }: AuditRow): AuditEntry {
  return { id, atMs: at_ms, who, via, host, action, target, ...(reason !== null && { reason }), items }
}
