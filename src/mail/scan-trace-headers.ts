// Scans a header in a few microseconds, without a parser, so that mail which no rule can match is accepted early.
// It may find too many candidates, never too few: they include everything that readReceipt finds.

import { withoutBrackets } from './address'
import { DATA_LINE_LENGTH, possibleBreaks, surelyUnbroken } from './broken-lines'
import { cleanLine, isContinuation, peersLines } from './header'
import { recipientIn } from './received'
import { unfold } from './split-fields'

export interface TraceCandidates {
  /** All possible values of SES's `for`. */
  forCandidates: string[]
  /** All possible values of SES's Return-Path; '' is the null sender. */
  returnPathCandidates: string[]
}

/** Haraka's connection.ini, [headers] max_received: Haraka refuses a mail with more Received fields. */
const MOST_FIELDS = 100
const UPPER_R = 0x52
const LOWER_R = 0x72
const SES_DOMAIN = /amazonaws\.com/i
/** RFC 5321 section 4.5.3.1.3 allows 256 octets for an address. */
const LONGEST_FIELD = 4096

/**
 * `headerLines`, `ownFields`, `lineLength`: as for readHeader. Undefined: the header must be parsed, as there are too
 * many trace fields, one is too long, or Haraka may have broken one.
 */
export function scanTraceHeaders(
  headerLines: readonly string[],
  ownFields: number,
  lineLength: number = DATA_LINE_LENGTH,
): TraceCandidates | undefined {
  const candidates: TraceCandidates = { forCandidates: [], returnPathCandidates: [] }
  const lines = peersLines(headerLines, ownFields)
  let fields = 0
  for (let at = 0; at < lines.length; at++) {
    const name = traceFieldName(lines[at] ?? '')
    if (name === undefined) continue
    let end = at + 1
    while (end < lines.length && isContinuation(lines[end] ?? '')) end++
    const field = lines.slice(at, end)
    if (++fields > MOST_FIELDS || !isPlain(field, lineLength)) return undefined
    if (name === 'return-path') candidates.returnPathCandidates.push(withoutBrackets(valueOf(field)))
    else if (field.some(namesSes)) {
      const recipient = recipientIn(valueOf(field))
      if (recipient !== undefined) candidates.forCandidates.push(recipient)
    }
    at = end - 1
  }
  return candidates
}

function namesSes(line: string): boolean {
  return SES_DOMAIN.test(line)
}

function isPlain(lines: readonly string[], lineLength: number): boolean {
  let characters = 0
  for (const line of lines) characters += line.length
  if (characters > LONGEST_FIELD) return false
  // no line of a short field can have the length at which Haraka breaks one
  return characters <= surelyUnbroken(lineLength) || possibleBreaks(lines, lineLength).size === 0
}

function valueOf(lines: readonly string[]): string {
  return unfold(lines.map(cleanLine))
}

function traceFieldName(line: string): string | undefined {
  const first = line.charCodeAt(0)
  if (first !== UPPER_R && first !== LOWER_R) return undefined
  // the colon may be on the next line
  return /^(received|return-path)\s*(?::|$)/i.exec(line)?.[1]?.toLowerCase()
}
