// Finds SES's results, and checks that they are closed, so that no text of the sender's can be among them.
// SES writes its fields above the sender's header. The sender's first line follows directly, and continues SES's last
// field if it begins with a blank. Only another field of SES's after its results separates the two.

import type { Field } from './split-fields'

export interface ClosedBlock {
  spam?: Field
  virus?: Field
  spf: Field
  authentication: Field
}

/** Reasons why the results aren't closed: texts for the log. */
export const NOT_CLOSED = "SES's results aren't closed by X-SES-RECEIPT"
export const CLOSED_TWICE = 'X-SES-RECEIPT or X-SES-DKIM-SIGNATURE is in the header twice'
export const NOT_ABOVE = "SES's results aren't directly above its Received line"

export const SPAM_FIELD = 'x-ses-spam-verdict'
export const VIRUS_FIELD = 'x-ses-virus-verdict'
export const SPF_FIELD = 'received-spf'
/** Haraka renames the first to the second: connection.ini, [headers] clean_auth_results. */
const AUTHENTICATION_FIELDS = ['authentication-results', 'original-authentication-results']
const RECEIPT_FIELD = 'x-ses-receipt'
const SIGNATURE_FIELD = 'x-ses-dkim-signature'

/** `fields`: the header from top to bottom; `index`: of SES's Received. All known mail since 2017 has this order. */
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
  // SES writes both: if a receipt is elsewhere in the header, a hop removed SES's, and it is the sender's
  const closing = receipts > 0 ? RECEIPT_FIELD : SIGNATURE_FIELD
  if (next(({ name }) => name === closing) === undefined) return { flaw: NOT_CLOSED }
  // one of the two is the sender's, but it can't be known which one
  if (receipts > 1 || signatures > 1) return { flaw: CLOSED_TWICE }
  return { ...(spam && { spam }), ...(virus && { virus }), spf, authentication }
}

/** Mail Manager writes its results above its Received line, where the sender can't add text. */
function mailManagerBlock(fields: readonly Field[], index: number): ClosedBlock | { flaw: string } {
  const [spf, authentication, returnPath] = fields.slice(Math.max(index - 3, 0), index)
  if (spf?.name !== SPF_FIELD || authentication === undefined || !isAuthenticationField(authentication))
    return { flaw: NOT_ABOVE }
  return returnPath?.name === 'return-path' ? { spf, authentication } : { flaw: NOT_ABOVE }
}
