// Gives one answer to a hook of Haraka in every case: an exception in a hook would accept the mail, and an unhandled
// rejection would end the process.

import { deny, denydisconnect, denysoft, denysoftdisconnect } from 'haraka-constants'
import { errorText } from './error-text'
import type { HarakaConnection, HarakaPlugin, Next } from './types'

/** Without a code Haraka calls the next plugin. */
export interface HookAnswer {
  code?: number
  /** Text, or whatever else Haraka takes as a message. */
  text?: unknown
}

export const NEXT_PLUGIN: HookAnswer = {}

export interface HookCall {
  plugin: HarakaPlugin
  connection: HarakaConnection
  next: Next
  /** Called if the work fails. */
  failed: () => void
  /** The plugin's method that Haraka calls if another plugin overrides a refusal. */
  ifOverridden?: string
}

const REFUSALS: ReadonlySet<unknown> = new Set([deny, denydisconnect, denysoft, denysoftdisconnect])

/** The reply to the relay. The reason is in Haraka's log. */
export const TRY_LATER = '4.3.0 Try again later'

/** Calls `next` once, with a temporary refusal if `work` fails. */
export function answerHook(
  { plugin, connection, next, failed, ifOverridden }: HookCall,
  work: () => Promise<HookAnswer>,
): void {
  // the hooks of this call: if its time is over, those of another one run by the end
  const { hooks_to_run: left } = connection
  work()
    .catch((error: unknown): HookAnswer => {
      failed()
      plugin.logerror(connection, `temporary refusal: ${errorText(error)}`)
      return { code: denysoft, text: TRY_LATER }
    })
    .then(({ code, text }) => {
      if (ifOverridden !== undefined && REFUSALS.has(code))
        left?.splice(0, left.length, [plugin, ifOverridden])
      next(code, text)
    })
    .catch((error: unknown) =>
      plugin.logerror(connection, `Haraka failed on the answer: ${errorText(error)}`),
    )
}
