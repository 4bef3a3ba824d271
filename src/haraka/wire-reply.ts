// A refusal of another plugin, to be given at a later hook in just the words and with the code that it had.

import { deny, denydisconnect } from 'haraka-constants'
import type { HarakaRefusal } from './read-refusal'

export interface WireReply {
  code: number
  message: unknown
}

/** Haraka takes any object whose class is called DSN (connection.js, `respond`). */
class DSN {
  constructor(
    readonly code: number,
    readonly reply: unknown,
  ) {}
}

/** connection.js, data_respond: at the end of the mail it would be 550. */
const CODE_AT_DATA = 554

export function wireReplyOf({
  hook,
  retval,
  message,
}: Pick<HarakaRefusal, 'hook' | 'retval' | 'message'>): WireReply {
  const isDsn = typeof message === 'object' && message?.constructor.name === 'DSN'
  const isAtData = hook === 'data' && !isDsn && (retval === deny || retval === denydisconnect)
  return { code: retval, message: isAtData ? new DSN(CODE_AT_DATA, message) : message }
}
