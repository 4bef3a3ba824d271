// The receipt: what SES wrote above the sender's header, and nothing of what the sender wrote below it.
// Never throws: no readable receipt is a fault with its reason, and nothing further down is taken instead.

import { parseAddress, withoutBrackets } from './address'
import type { Receipt, SesVerdicts } from './facts'
import { readSesReceived, type SesReceived } from './received'
import {
  type AuthenticationResults,
  provedDomains,
  readAuthenticationResults,
  readReceivedSpf,
  type SpfResult,
} from './results'
import type { Field } from './split-fields'

export interface ReceiptResult {
  receipt?: Receipt
  /** Why there is none: a text for the log. */
  fault?: string
  warnings: string[]
}

type ResultKind = 'spam' | 'virus' | 'spf' | 'authentication'

const RESULT_FIELDS = new Map<string, ResultKind>([
  ['x-ses-spam-verdict', 'spam'],
  ['x-ses-virus-verdict', 'virus'],
  ['received-spf', 'spf'],
  ['authentication-results', 'authentication'],
  // Haraka renames what comes in under the other name
  ['original-authentication-results', 'authentication'],
])

/** A host name or an address literal, as RFC 5321 section 4.1.1.1 has them; names of real hosts hold underscores too. */
const HOST_NAME = /^[\w.:[\]-]*$/

/** `fields`: the header, top down. */
export function readReceipt(fields: readonly Field[]): ReceiptResult {
  for (const [index, field] of fields.entries()) {
    const received = field.name === 'received' ? readSesReceived(field.raw) : undefined
    if (received === undefined) continue
    if ('fault' in received) return { fault: received.fault, warnings: [] }
    const warnings = received.sesIdIsUsual ? [] : [`the SES id ${received.sesId} has an unusual form`]
    return { receipt: readBlock(received, fields, index), warnings }
  }
  return { fault: 'no Received line of SES', warnings: [] }
}

function readBlock(ses: SesReceived, fields: readonly Field[], index: number): Receipt {
  const { client, ...received } = ses
  const returnPath = readReturnPath(fields[index - 1])
  const above = fields.slice(0, returnPath === undefined ? index : index - 1).toReversed()
  // SES prepends its results to the mail in the one form, and to its own trace fields in the other
  const results = takeResults(ses.form === 'classic' ? fields.slice(index + 1) : above)
  return {
    ...received,
    ...(returnPath !== undefined && { returnPath }),
    client: client ?? { helo: '', name: '', ip: '' },
    ...readResults(results, client),
  }
}

/** SES's Return-Path stands directly above its Received; '' is the null sender. Undefined: missing or malformed. */
function readReturnPath(field: Field | undefined): string | undefined {
  if (field?.name !== 'return-path') return undefined
  const text = field.raw.trim()
  if (text === '<>') return ''
  if (parseAddress(text) === undefined) return undefined
  return withoutBrackets(text)
}

/** At most one of each kind, up to the first field that is none of SES's results. */
function takeResults(fields: readonly Field[]): Map<ResultKind, string> {
  const results = new Map<ResultKind, string>()
  for (const field of fields) {
    const kind = RESULT_FIELDS.get(field.name)
    if (kind === undefined || results.has(kind)) break
    results.set(kind, field.raw)
  }
  return results
}

function readResults(
  results: ReadonlyMap<ResultKind, string>,
  client: Receipt['client'] | undefined,
): Pick<Receipt, 'verdicts' | 'authentication'> {
  const { spf, authentication } = readAuthentication(results, client)
  const dkim = authentication?.dkim.map(({ word }) => word) ?? []
  const verdicts: SesVerdicts = {
    spam: verdict(results.get('spam')),
    virus: verdict(results.get('virus')),
    spf: spf?.word ?? 'none',
    dkim: dkim.includes('pass') ? 'pass' : (dkim[0] ?? 'none'),
    dmarc: authentication?.dmarc?.word ?? 'none',
  }
  return { verdicts, authentication: provedDomains(spf, authentication) }
}

/** What counts of both fields. SES writes the same SPF result into both: a second one that differs is the sender's. */
function readAuthentication(
  results: ReadonlyMap<ResultKind, string>,
  client: Receipt['client'] | undefined,
): { spf?: SpfResult; authentication?: AuthenticationResults } {
  // the HELO and the host's name are written into both fields: one with `; dkim=pass` in it would be a result
  if (client === undefined || !HOST_NAME.test(client.helo) || !HOST_NAME.test(client.name)) return {}
  const receivedSpf = results.get('spf')
  const authenticationResults = results.get('authentication')
  const authentication =
    authenticationResults === undefined ? undefined : readAuthenticationResults(authenticationResults)
  if (receivedSpf === undefined) {
    return {
      ...(authentication && { authentication }),
      ...(authentication?.spf && { spf: authentication.spf }),
    }
  }
  const spf = readReceivedSpf(receivedSpf)
  if (spf === undefined) return {}
  const agrees =
    authentication?.spf?.word === spf.word && authentication.spf.envelopeFrom === spf.envelopeFrom
  return { spf, ...(authentication && agrees && { authentication }) }
}

function verdict(value: string | undefined): string {
  const word = value?.toLowerCase() ?? ''
  return /^[a-z_-]+$/.test(word) ? word : 'none'
}
