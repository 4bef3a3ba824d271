// Finds SES's results, and checks that they are closed: no text of the sender can stand among them.
// SES puts its fields above the sender's header, so what the sender writes first comes directly below, or continues the
// last of SES's fields by a leading blank. Only a field of SES's behind its results keeps the two apart.

import type { Field } from './split-fields'

export interface ClosedBlock {
  spam?: Field
  virus?: Field
  spf: Field
  authentication: Field
}

/** The reasons why it isn't closed: texts for the log. */
export const NOT_CLOSED = "SES's results aren't closed by X-SES-RECEIPT"
export const CLOSED_TWICE = 'X-SES-RECEIPT or X-SES-DKIM-SIGNATURE stands in the header twice'
export const NOT_ABOVE = "SES's results don't stand directly above its Received line"

export const SPAM_FIELD = 'x-ses-spam-verdict'
export const VIRUS_FIELD = 'x-ses-virus-verdict'
export const SPF_FIELD = 'received-spf'
/** Haraka renames what comes in under the first name: connection.ini [headers] clean_auth_results. */
const AUTHENTICATION_FIELDS = ['authentication-results', 'original-authentication-results']
const RECEIPT_FIELD = 'x-ses-receipt'
const SIGNATURE_FIELD = 'x-ses-dkim-signature'

/** `fields`: the header, top down; `index`: of SES's Received. The order is that of all known mail since 2017. */
export function closedBlock(
  form: 'classic' | 'mail-manager',
  fields: readonly Field[],
  index: number,
): ClosedBlock | { flaw: string } {
  return form === 'classic' ? classicBlock(fields, index) : mailManagerBlock(fields, index)
}

export function isAuthenticationField({ name }: Field): boolean {
  return AUTHENTICATION_FIELDS.includes(name)
}

function classicBlock(fields: readonly Field[], index: number): ClosedBlock | { flaw: string } {
  let at = index + 1
  const next = (isWanted: (field: Field) => boolean) => {
    const field = fields[at]
    if (field === undefined || !isWanted(field)) return undefined
    at++
    return field
  }
  const spam = next(({ name }) => name === SPAM_FIELD)
  const virus = next(({ name }) => name === VIRUS_FIELD)
  const spf = next(({ name }) => name === SPF_FIELD)
  const authentication = next(isAuthenticationField)
  if (spf === undefined || authentication === undefined) return { flaw: NOT_CLOSED }
  const receipts = fields.filter(({ name }) => name === RECEIPT_FIELD).length
  const signatures = fields.filter(({ name }) => name === SIGNATURE_FIELD).length
  // SES writes both: with a receipt elsewhere, a hop took SES's away and left the sender's
  const closing = receipts > 0 ? RECEIPT_FIELD : SIGNATURE_FIELD
  if (next(({ name }) => name === closing) === undefined) return { flaw: NOT_CLOSED }
  // one of the two is then the sender's, and which one can't be known
  if (receipts > 1 || signatures > 1) return { flaw: CLOSED_TWICE }
  return { ...(spam && { spam }), ...(virus && { virus }), spf, authentication }
}

/** Mail Manager puts its results above its Received line, out of the sender's reach. */
function mailManagerBlock(fields: readonly Field[], index: number): ClosedBlock | { flaw: string } {
  const [spf, authentication, returnPath] = fields.slice(Math.max(index - 3, 0), index)
  if (spf?.name !== SPF_FIELD || authentication === undefined || !isAuthenticationField(authentication))
    return { flaw: NOT_ABOVE }
  return returnPath?.name === 'return-path' ? { spf, authentication } : { flaw: NOT_ABOVE }
}
