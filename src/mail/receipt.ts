// Reads the receipt: the fields that SES wrote above the sender's header, and none of the sender's below them.
// Never throws: without a readable receipt there is a fault with its reason; fields further down are never used instead.

import { parseAddress, withoutBrackets } from './address'
import { inOneWay, provedBy, readClosedResults } from './authentication'
import type { Receipt, SesVerdicts } from './facts'
import { readSesReceivedField, type SesReceived } from './received'
import { closedBlock } from './ses-block'
import type { Field } from './split-fields'
import { maybeSes, plainVerdicts, worstVerdicts } from './verdicts'

export interface ReceiptResult {
  receipt?: Receipt
  /** Why there is none: a text for the log. */
  fault?: string
  /** Where there is none: what SES may have said all the same. */
  verdicts?: SesVerdicts
  warnings: string[]
}

/** `fields`: the header, top down. */
export function readReceipt(fields: readonly Field[]): ReceiptResult {
  for (const [index, field] of fields.entries()) {
    const received = field.name === 'received' ? readSesReceivedField(field) : undefined
    if (received === undefined) continue
    // what makes the line unreadable may be the sender's doing, and must not hide what SES found
    if ('fault' in received) return noReceipt(received.fault, fields, index)
    const warnings = received.sesIdIsUsual ? [] : [`the SES id ${received.sesId} has an unusual form`]
    return { receipt: readBlock(received, fields, index), warnings }
  }
  return noReceipt('no Received line of SES', fields)
}

/** `index`: of the line that can't be read. */
function noReceipt(fault: string, fields: readonly Field[], index?: number): ReceiptResult {
  return { fault, verdicts: worstVerdicts(maybeSes(fields, index)), warnings: [] }
}

function readBlock(ses: SesReceived, fields: readonly Field[], index: number): Receipt {
  const { client, ...received } = ses
  const above = fields[index - 1]
  const returnPath = above?.name === 'return-path' ? inOneWay(above, readReturnPath) : undefined
  return {
    ...received,
    ...(returnPath !== undefined && { returnPath }),
    client: client ?? { helo: '', name: '', ip: '' },
    ...readResults(ses, returnPath, fields, index),
  }
}

/** SES's Return-Path stands directly above its Received; '' is the null sender. Undefined: malformed. */
function readReturnPath(raw: string): string | undefined {
  const text = raw.trim()
  if (text === '<>') return ''
  return parseAddress(text) === undefined ? undefined : withoutBrackets(text)
}

function readResults(
  { form, client }: SesReceived,
  returnPath: string | undefined,
  fields: readonly Field[],
  index: number,
): Pick<Receipt, 'verdicts' | 'authentication'> {
  const block = closedBlock(form, fields, index)
  if ('flaw' in block) {
    return {
      verdicts: worstVerdicts(maybeSes(fields, index)),
      authentication: { dkimDomains: [], flaw: block.flaw },
    }
  }
  const read = readClosedResults(block, { client, returnPath })
  if ('flaw' in read) {
    return {
      verdicts: worstVerdicts(Object.values(block)),
      authentication: { dkimDomains: [], flaw: read.flaw },
    }
  }
  return { verdicts: plainVerdicts(block, read.results), authentication: provedBy(read.results) }
}
