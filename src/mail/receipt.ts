// Reads the receipt: the fields that SES wrote above the sender's header. Never uses a field of the sender's below them.
// Never throws: if the receipt can't be read, `fault` gives the reason.

import { parseAddress, withoutBrackets } from './address'
import { provedBy, readClosedResults, unambiguous } from './authentication'
import type { Receipt, SesVerdicts } from './facts'
import { readSesReceivedField, type SesReceived } from './received'
import { closedBlock } from './ses-block'
import type { Field } from './split-fields'
import { plainVerdicts, possibleSesFields, worstVerdicts } from './verdicts'

export interface ReceiptResult {
  receipt?: Receipt
  /** The reason why there is no receipt: a text for the log. */
  fault?: string
  /** Without a receipt: the worst verdicts in fields that SES may have written. */
  verdicts?: SesVerdicts
  warnings: string[]
}

/** `fields`: the header from top to bottom. */
export function readReceipt(fields: readonly Field[]): ReceiptResult {
  for (const [index, field] of fields.entries()) {
    const received = field.name === 'received' ? readSesReceivedField(field) : undefined
    if (received === undefined) continue
    // the sender may have made the line unreadable, and that must not hide SES's verdicts
    if ('fault' in received) return noReceipt(received.fault, fields, index)
    const { sesId, sesIdIsUsual } = received.value
    const warnings = sesIdIsUsual ? [] : [`the SES id ${sesId} has an unusual form`]
    return { receipt: readBlock(received.value, fields, index), warnings }
  }
  return noReceipt('no Received line of SES', fields)
}

/** `index`: of the Received field that can't be read. */
function noReceipt(fault: string, fields: readonly Field[], index?: number): ReceiptResult {
  return { fault, verdicts: worstVerdicts(possibleSesFields(fields, index)), warnings: [] }
}

function readBlock(ses: SesReceived, fields: readonly Field[], index: number): Receipt {
  const { client, ...received } = ses
  const above = fields[index - 1]
  const returnPath = above?.name === 'return-path' ? unambiguous(above, readReturnPath) : undefined
  return {
    ...received,
    ...(returnPath !== undefined && { returnPath }),
    client: client ?? { helo: '', name: '', ip: '' },
    ...readResults(ses, returnPath, fields, index),
  }
}

/** The address in SES's Return-Path, directly above its Received. '' is the null sender. Undefined: malformed. */
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
      verdicts: worstVerdicts(possibleSesFields(fields, index)),
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
