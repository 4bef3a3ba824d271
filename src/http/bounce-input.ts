// Reads the body of POST /v1/bounces field by field: a submission for one mail, or all its errors at once.
// Never throws. An unknown field is an error too, as it may be a mistyped one.

import type { Result } from '../errors'
import { addressKey, asciiAddress, parseAddress, withoutBrackets } from '../mail/address'
import { printable } from '../mail/printable'
import { PLAUSIBLE_ID, REGION } from '../mail/received'
import { bounceSender } from '../policy/bounce'
import { TYPE_TEXTS } from '../policy/bounce-types'
import { BOUNCE_TYPES, type BounceType } from '../policy/decision'
import { withDiagnosticType } from '../policy/outcome'
import { DIAGNOSTIC_CHARACTERS, EXPLANATION_CHARACTERS } from '../policy/templates'
import type { EpochMs } from '../units'
import { ADDRESS_CHARACTERS, BOUNCE_SUBMISSION, SENDER_CHARACTERS, STATUS } from './bounce-schema'
import { FieldReader } from './field-reader'
import type { Detail } from './reply'
import { rfc3339Ms } from './rfc3339'

export interface SubmittedRecipient {
  /** The address in the form that SES accepts. */
  address: string
  type: BounceType
  status: string
  /** Begins with its type: `smtp; ...` */
  diagnostic?: string
}

export interface BounceInput {
  sesId: string
  region: string
  receivedAtMs: EpochMs
  /** '' is the null sender. */
  sender: string
  recipients: SubmittedRecipient[]
  explanation?: string
  bounceSender?: string
  /** The caller has seen that SPF, DKIM or DMARC proves the sender's domain. */
  authenticated: boolean
}

/** The most by which two clocks may differ. */
const AHEAD_MS = 3_600_000

/** `regions`: [ses] regions. Empty: any. */
export function readBounceInput(
  value: unknown,
  { regions, nowMs }: { regions: readonly string[]; nowMs: EpochMs },
): Result<BounceInput, readonly Detail[]> {
  const reader = new FieldReader(value, BOUNCE_SUBMISSION)
  const sesId = reader.text('original_message_id', text =>
    only(PLAUSIBLE_ID.test(text), text, 'is no id that SES gives: 8 to 128 letters, digits and ._-'),
  )
  const region = reader.text('region', text => {
    if (!REGION.test(text)) return { fault: 'is no AWS region, such as eu-west-1' }
    const isInUse = regions.length === 0 || regions.includes(text)
    return only(isInUse, text, `is not in use: [ses] regions has ${regions.join(', ')}`)
  })
  const receivedAtMs = reader.text('received_at', text => timeOf(text, nowMs))
  const sender = reader.text('sender', senderOf)
  const recipients = reader.list('recipients', readRecipient)
  reportTwice(reader, recipients)
  const explanation = reader.text('explanation', text => shortText(text, EXPLANATION_CHARACTERS))
  const from = reader.text('bounce_sender', text =>
    known(
      bounceSender({ parts: [text] }, () => ''),
      'is no address of plain ASCII',
    ),
  )
  const authenticated = reader.flag('authenticated') ?? false
  if (
    reader.details.length > 0 ||
    sesId === undefined ||
    region === undefined ||
    receivedAtMs === undefined ||
    sender === undefined ||
    recipients === undefined
  )
    return { fault: reader.details }
  return {
    value: {
      sesId,
      region,
      receivedAtMs,
      sender,
      recipients,
      ...(explanation !== undefined && { explanation }),
      ...(from !== undefined && { bounceSender: from }),
      authenticated,
    },
  }
}

function readRecipient(reader: FieldReader): SubmittedRecipient | undefined {
  const address = reader.text('address', text => {
    const ascii = asciiAddress(withoutBrackets(text))
    const isShort = Math.max(text.length, ascii?.length ?? 0) <= ADDRESS_CHARACTERS
    return known(isShort ? ascii : undefined, 'is no address that SES could be given')
  })
  const type = reader.text('type', text =>
    known(
      BOUNCE_TYPES.find(one => one === text),
      `must be one of ${BOUNCE_TYPES.join(', ')}`,
    ),
  )
  const status = reader.text('status', text =>
    only(STATUS.test(text), text, 'is no status of class 4 or 5, such as 5.1.1'),
  )
  const diagnostic = reader.text('diagnostic', text =>
    shortText(withDiagnosticType(text), DIAGNOSTIC_CHARACTERS),
  )
  if (address === undefined) return undefined
  const kind = type ?? 'Undefined'
  return {
    address,
    type: kind,
    status: status ?? TYPE_TEXTS[kind].status,
    ...(diagnostic !== undefined && { diagnostic }),
  }
}

/** Reports recipients that are named twice. */
function reportTwice(reader: FieldReader, recipients: readonly SubmittedRecipient[] = []): void {
  const keys = recipients.map(({ address }) => addressKey(address))
  for (const [index, key] of keys.entries()) {
    const first = keys.indexOf(key)
    if (first < index) reader.fault(`recipients[${index}].address`, `repeats recipients[${first}]`)
  }
}

function timeOf(text: string, nowMs: EpochMs): Result<number> {
  const ms = rfc3339Ms(text)
  if (ms === undefined) return { fault: 'is no time of RFC 3339, such as 2025-01-01T00:00:00Z' }
  if (ms < 0) return { fault: 'lies before SES' }
  return only(ms <= nowMs + AHEAD_MS, ms, 'lies in the future')
}

/** '' and `<>` are the null sender, which a guard refuses later. */
function senderOf(text: string): Result<string> {
  const sender = withoutBrackets(text)
  const isAddress = text.length <= SENDER_CHARACTERS && parseAddress(sender) !== undefined
  // a lone surrogate would be stored as another character than the one that was checked
  return only(sender === '' || (isAddress && !/\p{Cs}/u.test(sender)), sender, 'is no address')
}

/** One line of printable ASCII, as the texts of a rule. */
function shortText(text: string, limit: number): Result<string> {
  const short = printable(text).trim()
  return only(short.length <= limit, short, `has ${short.length} characters; ${limit} is the most`)
}

function only<T>(isRight: boolean, value: T, fault: string): Result<T> {
  return isRight ? { value } : { fault }
}

function known<T>(value: T | undefined, fault: string): Result<T> {
  return value === undefined ? { fault } : { value }
}
