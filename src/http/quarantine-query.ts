// Reads the query of GET /v1/quarantine, and the filters of the page's list.

import type { QuarantineFilter } from '../quarantine/list'
import { isName } from '../quarantine/names'
import { QUARANTINE_REASONS } from '../quarantine/reasons'
import type { ListPosition } from '../queue/mail-ledger'
import { Parameters, toCursor } from './parameters'

export const QUARANTINE_PARAMETERS = [
  'reason',
  'rule',
  'sender',
  'recipient',
  'since',
  'until',
  'limit',
  'cursor',
] as const

export interface QuarantineListing {
  filter: QuarantineFilter
  limit: number
  after?: ListPosition
}

/** @throws Fault */
export function readQuarantineListing(query: URLSearchParams): QuarantineListing {
  const given = new Parameters(query, QUARANTINE_PARAMETERS)
  const reason = given.oneOf('reason', QUARANTINE_REASONS)
  const [sinceMs, untilMs] = [given.time('since'), given.time('until')]
  const limit = given.limit('limit')
  const after = given.cursor('cursor', positionOf)
  given.end()
  const [rule, sender, recipient] = (['rule', 'sender', 'recipient'] as const).map(name => given.text(name))
  return {
    filter: {
      ...(reason !== undefined && { reason }),
      ...(rule !== undefined && { rule }),
      ...(sender !== undefined && { sender }),
      ...(recipient !== undefined && { recipient }),
      ...(sinceMs !== undefined && { sinceMs }),
      ...(untilMs !== undefined && { untilMs }),
    },
    limit,
    ...(after && { after }),
  }
}

export function positionCursor({ atMs, name }: ListPosition): string {
  return toCursor(`${atMs} ${name}`)
}

function positionOf(text: string): ListPosition | undefined {
  const [, at, name = ''] = /^(\d{1,15}(?:\.\d{1,9})?) (\S+)$/.exec(text) ?? []
  return at !== undefined && isName(name) ? { atMs: Number(at), name } : undefined
}
