// One answer to a hook of Haraka, whatever happens: a throw in a hook would let the mail in, and a rejection without a
// handler would end the process.

import { denysoft } from 'haraka-constants'
import { errorText } from './error-text'
import type { HarakaConnection, HarakaPlugin, Next } from './types'

/** Without a code the next plugin is asked. */
export interface HookAnswer {
  code?: number
  text?: string
}

export const NEXT_PLUGIN: HookAnswer = {}

export interface HookCall {
  plugin: HarakaPlugin
  connection: HarakaConnection
  next: Next
  /** Called when the work has failed. */
  failed: () => void
}

/** For the relay's log only: the reason is in ours. */
const TRY_LATER = '4.3.0 Try again later'

/** Calls `next` once, with a temporary refusal where `work` fails. */
export function answerHook(
  { plugin, connection, next, failed }: HookCall,
  work: () => Promise<HookAnswer>,
): void {
  work()
    .catch((error: unknown): HookAnswer => {
      failed()
      plugin.logerror(connection, `temporary refusal: ${errorText(error)}`)
      return { code: denysoft, text: TRY_LATER }
    })
    .then(({ code, text }) => next(code, text))
    .catch((error: unknown) =>
      plugin.logerror(connection, `Haraka failed on the answer: ${errorText(error)}`),
    )
}
