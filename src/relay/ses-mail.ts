// Checks that a mail is one that SES received, and reads SES's envelope from it: nothing but SES's own fields may stand
// above SES's Received. Anybody who may write to the queue can name an object, so that none is believed without them.

import type { Result } from '../errors'
import { readHeader } from '../mail/header'
import { readReceipt } from '../mail/receipt'

export interface SesEnvelope {
  sesId: string
  /** SES's Return-Path. '' is the null sender. */
  sender: string
  /** SES's `for`. Undefined: it names none. */
  forRecipient?: string
}

/** The fields that SES writes above its Received, in either of its forms. */
const SES_FIELDS: ReadonlySet<string> = new Set(['return-path', 'received-spf', 'authentication-results'])
/** SES's block is far smaller. */
const LOOKED_AT_BYTES = 64 * 1024
const NOT_OF_SES = 'the mail has no Received of SES on top'

export async function readSesEnvelope(raw: Buffer): Promise<Result<SesEnvelope>> {
  const lines = raw.subarray(0, LOOKED_AT_BYTES).toString('utf8').split('\n')
  const end = lines.findIndex(line => line === '' || line === '\r')
  const header = lines.slice(0, end < 0 ? undefined : end).map(line => `${line}\n`)
  const { fields } = await readHeader(header, 0)
  const top = fields.findIndex(({ name }) => name === 'received')
  if (top < 0 || fields.slice(0, top).some(({ name }) => !SES_FIELDS.has(name))) return { fault: NOT_OF_SES }
  // a second Received may be of anybody: only the first one is asked
  const second = fields.findIndex(({ name }, index) => index > top && name === 'received')
  const { receipt, fault } = readReceipt(second < 0 ? fields : fields.slice(0, second))
  if (receipt === undefined) return { fault: `${NOT_OF_SES}: ${fault ?? ''}` }
  const { sesId, returnPath: sender, forRecipient } = receipt
  if (sender === undefined) return { fault: 'the mail has no Return-Path of SES' }
  return { value: { sesId, sender, ...(forRecipient !== undefined && { forRecipient }) } }
}
