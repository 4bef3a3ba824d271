// A cheap look at a header, for passing over mail that can't concern any rule: no parser, a few microseconds.
// It may name too much, never too little: whatever readReceipt finds is among its candidates.

import { withoutBrackets } from './address'
import { cleanLine, isContinuation, peersLines } from './header'
import { recipientIn } from './received'
import { unfold } from './split-fields'

export interface Candidates {
  /** What SES's `for` can be. */
  forCandidates: string[]
  /** What SES's Return-Path can be; '' is the null sender. */
  returnPathCandidates: string[]
}

/** `headerLines` and `ownFields` as for readHeader. */
export function peek(headerLines: readonly string[], ownFields: number): Candidates {
  const candidates: Candidates = { forCandidates: [], returnPathCandidates: [] }
  const lines = peersLines(headerLines, ownFields)
  for (let at = 0; at < lines.length; at++) {
    const name = traceFieldName(lines[at] ?? '')
    if (name === undefined) continue
    let end = at + 1
    while (end < lines.length && isContinuation(lines[end] ?? '')) end++
    const field = lines.slice(at, end)
    if (name === 'return-path') candidates.returnPathCandidates.push(withoutBrackets(valueOf(field)))
    else if (field.some(line => /amazonaws\.com/i.test(line))) {
      const recipient = recipientIn(valueOf(field))
      if (recipient !== undefined) candidates.forCandidates.push(recipient)
    }
    at = end - 1
  }
  return candidates
}

function valueOf(lines: readonly string[]): string {
  return unfold(lines.map(cleanLine))
}

function traceFieldName(line: string): string | undefined {
  if (line[0] !== 'R' && line[0] !== 'r') return undefined
  // the colon may stand on the next line
  return /^(received|return-path)\s*(?::|$)/i.exec(line)?.[1]?.toLowerCase()
}
