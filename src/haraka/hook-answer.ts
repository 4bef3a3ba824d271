// Gives one answer to a hook of Haraka in every case: an exception in a hook would accept the mail, and an unhandled
// rejection would end the process. An answer that is known at once is given at once.

import { deny, denydisconnect, denysoft, denysoftdisconnect, ok } from 'haraka-constants'
import type { Eventually } from '../eventually'
import { errorText } from './error-text'
import { ownLimitMs } from './hook-limit'
import type { RepeatedFaults } from './repeated-faults'
import type { HarakaConnection, HarakaPlugin, HookToRun, Next } from './types'

/** Without a code Haraka calls the next plugin. */
export interface HookAnswer {
  code?: number
  /** Text, or whatever else Haraka takes as a message. */
  text?: unknown
  /** For a command that only this plugin knows: it replies itself. */
  reply?: { code: number; text: string }
}

export const NEXT_PLUGIN: HookAnswer = {}

export interface HookCall {
  plugin: HarakaPlugin
  connection: HarakaConnection
  next: Next
  /** Called if the work fails. */
  failed: () => void
  faults: RepeatedFaults
  /** The plugin's method that Haraka calls if another plugin overrides a refusal. */
  ifOverridden?: string
}

const REFUSALS: ReadonlySet<unknown> = new Set([deny, denydisconnect, denysoft, denysoftdisconnect])

/** The reply to the relay. The reason is in Haraka's log. */
export const TRY_LATER = '4.3.0 Try again later'

/** Calls `next` once, with a temporary refusal if `work` fails or takes longer than a hook may. */
export function answerHook(call: HookCall, work: () => Eventually<HookAnswer>): void {
  const { plugin, connection } = call
  // the hooks of this call: if its time is over, those of another one run by the end
  const { hooks_to_run: left } = connection
  const failed = (error: unknown): HookAnswer => {
    call.failed()
    call.faults.note(error, {
      log: text => plugin.logerror(connection, text),
      later: text => plugin.logerror(text),
    })
    return { code: denysoft, text: TRY_LATER }
  }
  let answer: Eventually<HookAnswer>
  try {
    answer = work()
  } catch (error) {
    answer = failed(error)
  }
  if (!(answer instanceof Promise)) {
    give(call, left, answer)
    return
  }
  giveLater(call, left, answer, failed)
}

function giveLater(
  call: HookCall,
  left: HookToRun[] | undefined,
  answer: Promise<HookAnswer>,
  failed: (error: unknown) => HookAnswer,
): void {
  const { plugin, connection } = call
  const limitMs = ownLimitMs(plugin)
  let isGiven = false
  const giveOnce = (known: () => HookAnswer) => {
    if (isGiven) return
    isGiven = true
    clearTimeout(timer)
    try {
      give(call, left, known())
    } catch (error) {
      plugin.logerror(connection, `Haraka failed on the answer: ${errorText(error)}`)
    }
  }
  const late = () => giveOnce(() => failed(new Error(`it took longer than ${Number(limitMs) / 1000} s`)))
  const timer = limitMs === undefined ? undefined : setTimeout(late, limitMs)
  answer.then(
    known => giveOnce(() => known),
    (error: unknown) => giveOnce(() => failed(error)),
  )
}

function give(
  { plugin, connection, next, ifOverridden }: HookCall,
  left: HookToRun[] | undefined,
  { code, text, reply }: HookAnswer,
): void {
  if (reply) {
    connection.respond(reply.code, reply.text, () => undefined)
    next(ok)
    return
  }
  if (ifOverridden !== undefined && REFUSALS.has(code)) left?.splice(0, left.length, [plugin, ifOverridden])
  next(code, text)
}
