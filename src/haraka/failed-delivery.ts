// A failed delivery as a mail to be evaluated: its facts from the note, its body from Haraka's queue.
// Reads only. The queued mail and its header are read when they are asked for.

import type { Writable } from 'node:stream'
import type { FailedDelivery } from '../app/evaluate-delivery'
import type { EnvelopeRecipient } from '../mail/facts'
import type { EpochMs, MonoMs } from '../units'
import type { WorkerThreads } from '../worker-thread/worker-threads'
import type { DeliveryNote } from './delivery-note'
import type { FailedRecipient } from './delivery-refusals'
import type { OutboundMail, OutboundRecipient } from './outbound-mail'
import { unstuffing } from './pipe-raw'
import { rawMail } from './raw-mail'
import { withAddress } from './refusal-words'
import { isSplit } from './split-forward'

export interface FailedDeliveryOptions {
  contentLimitBytes: number
  /** A rule asks for the files in archives. */
  opensArchives: boolean
  workerThreads: Pick<WorkerThreads, 'contentOf' | 'search'>
  nowMs: EpochMs
  nowMonoMs: MonoMs
}

export interface Failed {
  mail: FailedDelivery
  /** The recipients of Haraka's delivery that stand for a recipient of the relay. */
  targetsOf: (recipient: EnvelopeRecipient) => readonly OutboundRecipient[]
}

export function failedDeliveryOf(
  outbound: OutboundMail,
  note: DeliveryNote,
  failed: readonly FailedRecipient[],
  { contentLimitBytes, opensArchives, workerThreads, nowMs, nowMonoMs }: FailedDeliveryOptions,
): Failed {
  const { recipients, targets, standing } = recipientsOf(note, failed)
  const { sender, relayIp, sizeBytes, headerLines, headerIsCut, ownFields, lineLength, rcptCommands } = note
  return {
    targetsOf: recipient => targets.get(recipient) ?? [],
    mail: {
      isSplit: isSplit(outbound),
      envelope: {
        sender,
        recipients,
        ...(rcptCommands !== undefined && { rcptCommands }),
        relayIp,
        sizeBytes,
      },
      headerLines,
      headerIsCut,
      ownFields,
      lineLength,
      nowMs,
      nowMonoMs,
      content: () =>
        workerThreads.contentOf(
          { sizeBytes, read: () => rawMail(to => pipeQueued(outbound, to), outbound.file_size) },
          contentLimitBytes,
          opensArchives,
        ),
      // other plugins' results are gone with the transaction
      results: () => [],
      search: workerThreads.search,
      isAsked: recipient => targets.has(recipient),
      stands: recipient => standing.has(recipient),
    },
  }
}

/** Writes the queued mail as the relay sent it: Haraka keeps it with its dots stuffed. */
export function pipeQueued(outbound: OutboundMail, to: Writable): void {
  const from = outbound.data_stream()
  const unstuffed = unstuffing()
  const fail = (error: Error) => to.destroy(error)
  from.once('error', fail)
  unstuffed.once('error', fail)
  from.pipe(unstuffed).pipe(to)
}

/** All recipients of the mail, those with refusals for whom the delivery failed. */
function recipientsOf(note: DeliveryNote, failed: readonly FailedRecipient[]) {
  const targets = new Map<EnvelopeRecipient, OutboundRecipient[]>()
  const standing = new Set<EnvelopeRecipient>()
  const given = new Set<FailedRecipient>()
  const failedOf = byAddress(failed)
  const recipients = note.recipients.map((noted): EnvelopeRecipient => {
    const { address, notifyNever } = noted
    const own = [...new Set(noted.final.flatMap(one => failedOf.get(one.toLowerCase()) ?? []))]
    for (const one of own) given.add(one)
    return add(own, {
      address,
      notifyNever,
      ...(noted.isUnattributed && { isUnattributed: true }),
      ...(own.some(({ isMixedUp }) => isMixedUp) && { isMixedUp: true }),
    })
  })
  for (const one of failed) {
    const { address } = one.target
    if (!given.has(one)) recipients.push(add([one], { address, notifyNever: false, isUnattributed: true }))
  }
  return { recipients, targets, standing }

  function add(own: readonly FailedRecipient[], recipient: EnvelopeRecipient): EnvelopeRecipient {
    if (own.length === 0) return recipient
    const asked = own.filter(({ stands }) => stands === undefined)
    const refusals = (asked.length > 0 ? asked : own).map(({ refusal, target }) => ({
      ...refusal,
      reply: withAddress(refusal.reply, target.address, recipient.address),
    }))
    const refused = { ...recipient, refusals }
    targets.set(
      refused,
      own.map(({ target }) => target),
    )
    if (asked.length === 0) standing.add(refused)
    return refused
  }
}

/** A mail may have very many recipients. */
function byAddress(failed: readonly FailedRecipient[]): ReadonlyMap<string, readonly FailedRecipient[]> {
  const found = new Map<string, FailedRecipient[]>()
  for (const one of failed) {
    const key = one.target.address.toLowerCase()
    found.set(key, [...(found.get(key) ?? []), one])
  }
  return found
}
