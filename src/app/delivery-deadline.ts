// Until when a mail can be bounced whose delivery is still tried.

import type { Settings } from '../config/settings'
import { readHeader } from '../mail/header'
import { readReceipt } from '../mail/receipt'
import type { EpochMs } from '../units'

export interface NotedHeader {
  headerLines: readonly string[]
  ownFields: number
  lineLength?: number
  headerIsCut: boolean
}

/** The last moment at which its call may start; undefined: the mail has no receipt. */
export async function deadlineMsOf(
  { headerLines, ownFields, lineLength, headerIsCut }: NotedHeader,
  { lengthMs, marginMs }: Settings['window'],
  nowMs: EpochMs,
): Promise<number | undefined> {
  const { fields } = await readHeader(headerLines, ownFields, lineLength, headerIsCut)
  const { receipt } = readReceipt(fields)
  // as for a bounce: a receipt from the future counts as one of now
  return receipt && Math.min(receipt.receivedAtMs, nowMs) + lengthMs - marginMs
}
