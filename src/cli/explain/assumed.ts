// Finds the values that a mail's file doesn't hold: envelope, relay and time. Assumed values come with their source.
// Recipients that can't be found are a fault.

import type { ActiveConfig } from '../../app/active-config'
import type { Result } from '../../errors'
import { addressKey, domainOf } from '../../mail/address'
import type { Receipt } from '../../mail/facts'
import { type Header, readHeader } from '../../mail/header'
import { readReceipt } from '../../mail/receipt'
import { RECIPIENT_FIELDS } from '../../mail/recipients'
import type { Refusal } from '../../mail/refusal'
import type { EpochMs } from '../../units'
import { count } from './words'

/** The values that the user gives. */
export interface Given {
  from?: string
  to?: readonly string[]
  /** A time, or how long after SES's receipt. */
  at?: { timeMs: EpochMs } | { afterMs: number }
  relay?: string
  /** Replaces the file's own size. */
  sizeBytes?: number
  /** The refusals of other plugins: for each recipient, or one list for all. */
  refusals?: readonly (readonly Refusal[])[]
}

export interface Circumstances {
  sender: string
  recipients: readonly string[]
  relay: Relay
  nowMs: EpochMs
  sizeBytes?: number
  /** The refusals for each recipient, or one list for all. */
  refusals?: readonly (readonly Refusal[])[]
  /** The sources of assumed values. */
  assumed: { from?: string; to?: string; relay?: string; at?: string }
}

export interface Relay {
  ip: string
  /** The relay logs in as one of [relay] auth_users. */
  isLoggedIn: boolean
}

/** The reason why a mail can't be explained. */
export interface Fault {
  why: string
  /** Its recipients aren't known. */
  isUnaddressed?: true
}

/** Longer than a relay usually takes, and within every time limit. */
const AFTER_RECEIPT_MS = 60_000
/** The relay's address if none is trusted by its address. */
const LOOPBACK = '127.0.0.1'

export async function circumstancesOf(
  headerLines: readonly string[],
  given: Given,
  activeConfig: ActiveConfig,
  nowMs: EpochMs,
): Promise<Result<Circumstances, Fault>> {
  const header = await readHeader(headerLines, 0)
  const { receipt } = readReceipt(header.fields)
  const recipients = given.to ? { value: given.to } : recipientsIn(header, receipt, activeConfig)
  if (recipients === undefined) return { fault: { why: NOBODY, isUnaddressed: true } }
  const { refusals } = given
  if (refusals && refusals.length > 1 && refusals.length !== recipients.value.length)
    return {
      fault: {
        why: `refused.by has ${refusals.length} values, but the mail has ${count(recipients.value.length, 'recipient')}`,
      },
    }
  const sender = given.from === undefined ? senderIn(header, receipt) : { value: given.from }
  const { why: whyRelay, ...relay } = relayOf(given, activeConfig)
  const at = timeOf(given.at, receipt, nowMs)
  const value: Circumstances = {
    sender: sender.value,
    recipients: recipients.value,
    relay,
    nowMs: at.value,
    ...(given.sizeBytes !== undefined && { sizeBytes: given.sizeBytes }),
    ...(refusals && { refusals }),
    assumed: {
      ...('why' in sender && { from: sender.why }),
      ...('why' in recipients && { to: recipients.why }),
      ...(whyRelay !== undefined && { relay: whyRelay }),
      ...(at.why !== undefined && { at: at.why }),
    },
  }
  return { value }
}

const NOBODY =
  "its recipients aren't known: SES's Received names none, and the header none at a domain that SES receives for"

function recipientsIn(
  { facts }: Header,
  receipt: Receipt | undefined,
  { policy }: ActiveConfig,
): { value: string[]; why: string } | undefined {
  if (receipt?.forRecipient !== undefined)
    return { value: [receipt.forRecipient], why: "after `for` in SES's Received" }
  const named = RECIPIENT_FIELDS.flatMap(name => facts.addresses(name))
  const ours = new Map(
    named.filter(address => policy.receivesFor(domainOf(address) ?? '')).map(one => [addressKey(one), one]),
  )
  return ours.size === 0
    ? undefined
    : { value: [...ours.values()], why: 'named in its header, at domains that SES receives for' }
}

function senderIn({ facts }: Header, receipt: Receipt | undefined): { value: string; why: string } {
  if (receipt?.returnPath !== undefined) return { value: receipt.returnPath, why: "SES's Return-Path" }
  const [returnPath] = facts.values('return-path')
  if (returnPath?.trim() === '<>') return { value: '', why: 'from its Return-Path, as SES wrote none' }
  const [address] = [...facts.addresses('return-path'), ...facts.addresses('from')]
  return address === undefined
    ? { value: '', why: 'nothing in its header names one' }
    : { value: address, why: 'from its header, as SES wrote none' }
}

/** The given relay; by default one that is trusted, where any is. */
export function relayOf(given: Given, { settings: { relay } }: ActiveConfig): Relay & { why?: string } {
  if (given.relay !== undefined) return { ip: given.relay, isLoggedIn: false }
  const [range] = relay.trusted
  if (range !== undefined)
    return { ip: range.replace(/\/.*/, ''), isLoggedIn: false, why: 'the first of [relay] trusted' }
  const [user] = relay.authUsers
  return user === undefined
    ? { ip: LOOPBACK, isLoggedIn: false, why: 'as no relay is trusted' }
    : { ip: LOOPBACK, isLoggedIn: true, why: `logged in as ${user}` }
}

function timeOf(
  at: Given['at'],
  receipt: Receipt | undefined,
  nowMs: EpochMs,
): { value: number; why?: string } {
  if (at && 'timeMs' in at) return { value: at.timeMs }
  if (receipt === undefined) return { value: nowMs, why: 'now, as SES wrote no time of receipt' }
  if (at) return { value: receipt.receivedAtMs + at.afterMs }
  return { value: receipt.receivedAtMs + AFTER_RECEIPT_MS, why: 'one minute after its receipt by SES' }
}
