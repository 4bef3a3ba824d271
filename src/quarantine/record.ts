// The record of a mail on disk: NAME.json next to NAME.eml. Records of earlier versions, with names in camelCase and
// without the newer fields, can still be read. Any other text gives undefined.

import { camelKeys, snakeKeys } from '../json'

import type { Refusal } from '../mail/refusal'

/** A recipient for whom the mail was held back, with the reason. */
export interface HeldRecipient {
  recipient: string
  rule: string
  reason: string
  /** The job that ended without a bounce. */
  job?: string
  /** The refusal of the recipient by another plugin, or by a server behind Haraka. */
  refused?: Refusal
}

export interface QuarantineRecord {
  /** While the mail waits for its bounces: the time when it was written. ISO 8601. */
  quarantinedAt: string
  /** Sender of record. */
  sender?: string
  envelope: { sender: string; recipients: string[]; relayIp: string }
  /** Empty while the mail waits for its bounces. */
  held: HeldRecipient[]
  receipt: unknown
}

export function parseRecord(text: string): QuarantineRecord | undefined {
  try {
    const value = camelKeys(JSON.parse(text))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function formatRecord(record: QuarantineRecord): string {
  return `${JSON.stringify(snakeKeys(record), null, 2)}\n`
}

/** The sender of record; for older records the sender that the relay gave. */
export function senderOf(record: QuarantineRecord | undefined): string {
  return record?.sender ?? record?.envelope.sender ?? ''
}

function isRecord(value: unknown): value is QuarantineRecord {
  if (typeof value !== 'object' || value === null) return false
  if (!('quarantinedAt' in value && typeof value.quarantinedAt === 'string')) return false
  if (Number.isNaN(Date.parse(value.quarantinedAt))) return false
  if ('sender' in value && typeof value.sender !== 'string') return false
  if (!('envelope' in value && 'held' in value && Array.isArray(value.held))) return false
  const { envelope } = value
  if (typeof envelope !== 'object' || envelope === null) return false
  if (!('sender' in envelope && typeof envelope.sender === 'string')) return false
  if (!('relayIp' in envelope && typeof envelope.relayIp === 'string')) return false
  if (!('recipients' in envelope && isTexts(envelope.recipients))) return false
  return value.held.every(isHeldRecipient)
}

function isHeldRecipient(one: unknown): boolean {
  if (typeof one !== 'object' || one === null) return false
  if (!('recipient' in one && 'rule' in one && 'reason' in one)) return false
  return isTexts([one.recipient, one.rule, one.reason, 'job' in one ? one.job : ''])
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string')
}
