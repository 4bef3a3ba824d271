// Moves a kept mail to the place that the state of its jobs requires: it waits in `kept`, is held in the quarantine, or
// is deleted. Each step can be repeated after a crash, and two processes may run it at once.

import type { Fate } from '../queue/mail-ledger'
import type { EpochMs } from '../units'
import type { MailStore } from './mail-store'
import type { HeldRecipient, QuarantineRecord } from './record'

/** `gone`: the mail is in neither place. */
export type InOrder = 'waits' | 'moved' | 'held' | 'deleted' | 'gone'

export async function bringInOrder(
  store: MailStore,
  name: string,
  fate: Fate,
  nowMs: EpochMs,
): Promise<InOrder> {
  if (await store.has('kept', name)) return orderKept(store, name, fate, nowMs)
  // a record alone in `kept` may be of a mail that is being written at this moment: the sweep removes old ones
  if (await store.has('quarantine', name)) return orderHeld(store, name, fate)
  return 'gone'
}

/** The entries for a mail that the queue doesn't know any more, each with `reason`. */
export function orphanRecord(record: QuarantineRecord | undefined, reason: string): HeldRecipient[] {
  const recipients = record?.envelope.recipients ?? []
  return recipients.map(recipient => ({ recipient, rule: '', reason }))
}

async function orderKept(
  store: MailStore,
  name: string,
  { done, held, waits }: Fate,
  nowMs: EpochMs,
): Promise<InOrder> {
  if (held.length > 0) {
    await store.hold(name, held, nowMs)
    return 'moved'
  }
  if (waits || done.length === 0) return 'waits'
  await store.remove('kept', name)
  return 'deleted'
}

/** Removes an entry when its bounce was made after all, by hand; without entries the mail is deleted. */
async function orderHeld(store: MailStore, name: string, { done, held, waits }: Fate): Promise<InOrder> {
  const found = await store.record('quarantine', name)
  if (found === undefined) return 'held'
  const { record, isOwn } = found
  const isOf = (one: HeldRecipient) => (other: HeldRecipient) => other.recipient === one.recipient
  const kept = record.held.filter(
    one => !held.some(isOf(one)) && !done.some(({ address }) => address === one.recipient),
  )
  const now = [...kept, ...held]
  if (now.length === 0 && !waits) {
    await store.remove('quarantine', name)
    return 'deleted'
  }
  if (!isOwn || JSON.stringify(now) !== JSON.stringify(record.held))
    await store.writeRecord('quarantine', name, { ...record, held: now })
  return 'held'
}
