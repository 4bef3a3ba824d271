// `queue audit`: shows the actions by hand, the latest first.

import { auditJson } from '../../app/audit-json'
import { jsonText } from '../../json'
import type { AuditEntry, AuditQuery } from '../../queue/audit'
import { Table } from '../table'
import { timeCell } from './list'
import type { Run } from './run'

const HEADS = ['TIME', 'WHO', 'VIA', 'HOST', 'ACTION', 'COUNT', 'TARGET', 'REASON']
const VIA = { cli: 'command', api: 'API', page: 'page' } as const
/** Entries that one question to the queue asks for. */
const PAGE = 200

export type AuditFilter = Omit<AuditQuery, 'limit' | 'before'> & { limit?: number }

export async function showAudit({ place, out, json }: Run, filter: AuditFilter): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY, ...query } = filter
  const table = new Table(HEADS, text => out.line(text))
  let written = 0
  let before: number | undefined
  do {
    const asked = Math.min(PAGE, limit - written)
    const page = await place.queue.audit.page({
      ...query,
      limit: asked,
      ...(before !== undefined && { before }),
    })
    for (const entry of page.entries) {
      if (json) out.line(jsonText(auditJson(entry)))
      else table.row(cells(entry))
      written++
    }
    before = page.next
  } while (before !== undefined && written < limit)
  table.end()
  if (written === 0 && !json) out.line('nothing was done by hand')
  return 0
}

function cells({ atMs, who, via, host, action, items, target, reason = '' }: AuditEntry): string[] {
  return [timeCell(atMs), who, VIA[via], host, action, items.toLocaleString('en-US'), target, reason]
}
