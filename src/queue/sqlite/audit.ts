// The audit in the queue file.

import { asciiLower } from '../ascii-lower'
import {
  AUDIT_KEPT_MS,
  type Audit,
  type AuditAction,
  type AuditDraft,
  type AuditEntry,
  type AuditPage,
  type AuditQuery,
  type AuditReader,
  type AuditWay,
} from '../audit'
import type { Database, Row } from './database'
import { text } from './rows'

/** Entries that are looked at for one page, as with jobs. */
const MOST_LOOKED_AT = 3000
/** The most old entries that are deleted with a new one. */
const PRUNE_ROWS = 100

export function auditReader(database: Database) {
  return { page: query => auditPage(database, query) } satisfies AuditReader
}

export function auditOf(database: Database) {
  return {
    ...auditReader(database),
    add: ({ items, ...draft }) => database.write(() => addAudit(database, draft, items)),
  } satisfies Audit
}

/** Within the transaction of the action. Undefined, or nothing changed: no entry. */
export function addAudit(database: Database, draft: AuditDraft | undefined, items: number): void {
  if (draft === undefined || items === 0) return
  const { id, atMs, who, via, host, action, target, reason } = draft
  database.run(
    `INSERT INTO audit (id, at_ms, who, via, host, action, target, reason, items) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET items = items + excluded.items`,
    id,
    Math.round(atMs),
    who,
    via,
    host,
    action,
    target,
    reason ?? null,
    items,
  )
  database.run(
    `DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE at_ms < ? ORDER BY at_ms LIMIT ${PRUNE_ROWS})`,
    Math.round(atMs) - AUDIT_KEPT_MS,
  )
}

function auditPage(database: Database, query: AuditQuery): AuditPage {
  const { action, via, who, sinceMs, untilMs, limit, before = Number.MAX_SAFE_INTEGER } = query
  const row = database.get(
    `SELECT seq FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT 1 OFFSET ${MOST_LOOKED_AT - 1}`,
    before,
  )
  const last = row && Number(row['seq'])
  const rows = database.all(
    `SELECT * FROM audit WHERE seq < ?1 AND seq >= ?2
       AND (?3 IS NULL OR action = ?3)
       AND (?4 IS NULL OR via = ?4)
       AND (?5 IS NULL OR instr(lower(who), ?5) > 0)
       AND (?6 IS NULL OR at_ms >= ?6)
       AND (?7 IS NULL OR at_ms < ?7)
     ORDER BY seq DESC LIMIT ?8`,
    before,
    last ?? 0,
    action ?? null,
    via ?? null,
    who === undefined ? null : asciiLower(who),
    sinceMs ?? null,
    untilMs ?? null,
    limit + 1,
  )
  const page = rows.slice(0, limit)
  const next = rows.length > limit ? Number(page.at(-1)?.['seq']) : last
  return { entries: page.map(entryOf), ...(next !== undefined && { next }) }
}

function entryOf(row: Row): AuditEntry {
  const { reason } = row
  return {
    id: text(row['id']),
    atMs: Number(row['at_ms']),
    who: text(row['who']),
    via: text(row['via']) as AuditWay,
    host: text(row['host']),
    action: text(row['action']) as AuditAction,
    target: text(row['target']),
    ...(typeof reason === 'string' && { reason }),
    items: Number(row['items']),
  }
}
