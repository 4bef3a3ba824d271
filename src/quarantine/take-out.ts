// Removes a mail from the quarantine for the recipients that it was held for. If bounces of others are still waiting,
// the mail goes back to `kept`. A crash between two steps leaves the mail in one of the places.

import type { MailLedger } from '../queue/mail-ledger'
import type { EpochMs } from '../units'
import type { MailStore } from './mail-store'
import type { QuarantineRecord } from './record'

export type TakenOut = 'removed' | 'stays' | 'not there'

/** `record`: its state when the mail was released or deleted. Recipients added since then stay. @throws QueueError */
export async function takeOut(
  store: MailStore,
  name: string,
  record: QuarantineRecord | undefined,
  ledger: Pick<MailLedger, 'letGo' | 'gone' | 'putBack'>,
  nowMs: EpochMs,
): Promise<TakenOut> {
  const isNeeded = await ledger.letGo(
    name,
    record?.held.map(({ recipient }) => recipient),
    nowMs,
  )
  if (!isNeeded) {
    const wasThere = await store.remove('quarantine', name)
    if (wasThere) await ledger.gone({ place: 'quarantine', name })
    return wasThere ? 'removed' : 'not there'
  }
  const now = (await store.record('quarantine', name))?.record
  const isTakenOut = (recipient: string) => record?.held.some(one => one.recipient === recipient) ?? true
  const held = now?.held.filter(({ recipient }) => !isTakenOut(recipient)) ?? []
  if (now !== undefined && held.length > 0) await store.writeRecord('quarantine', name, { ...now, held })
  else await store.putBack(name, now)
  if (held.length === 0) await ledger.putBack(name)
  return 'stays'
}
