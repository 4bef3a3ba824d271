// An entry of the audit as the API and the command line give it.

import type { AuditEntry } from '../queue/audit'
import { iso } from './job-json'

export function auditJson(entry: AuditEntry): Record<string, unknown> {
  const { id, atMs, who, via, host, action, target, reason, items } = entry
  return {
    id,
    at: iso(atMs),
    who,
    via,
    host,
    action,
    target,
    ...(reason !== undefined && { reason }),
    count: items,
  }
}
