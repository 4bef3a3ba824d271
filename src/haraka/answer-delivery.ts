// Haraka's hooks `bounce` and `deferred`: a delivery behind Haraka has failed for good, or is to be tried again.
// Any answer but CONT at `bounce`, a time limit that is over too, has Haraka delete the mail and tell nobody. So work has a
// limit of its own, below Haraka's, and a delivery whose work fails is tried again, as long as Haraka has tries left.

import { ok } from 'haraka-constants'
import { errorText } from './error-text'
import { limitOf } from './hook-limit'
import { logId, type OutboundMail, type OutboundRecipient } from './outbound-mail'
import type { HarakaPlugin, Next } from './types'

/** The answer to Haraka about a delivery: its sender is told, or will be, for all but these recipients. */
export type DeliveryOutcome =
  /** Haraka sends its own DSN for these; empty: for none. */
  | { kind: 'done'; own: readonly OutboundRecipient[] }
  /** Haraka tries all of it again: a rule wants that, or something failed. */
  | { kind: 'again'; reason: string; isFault: boolean }
  /** Haraka goes on like without this plugin. */
  | { kind: 'untouched' }

/** `isLate`: once it says yes, nothing may be written any more. */
export type DeliveryWork = (isLate: () => boolean) => Promise<DeliveryOutcome>

/** Below the 30 s that Haraka gives a plugin. */
const LONGEST_MS = 20_000
/** The share of a shorter time limit (config/plugin_timeout) that work may take. */
const SHARE_OF_LIMIT = 2 / 3
/**
 * A call of `bounce` within this time is about the mail that was sent back: with no try left Haraka calls it again at
 * once.
 */
const AT_ONCE_MS = 1000

/** The times when mails were last sent back to Haraka's queue from here. */
const sentBackAtMs = new WeakMap<OutboundMail, number>()

/** Whether Haraka asks about a try that this plugin itself has put off. */
export function wasSentBack(mail: OutboundMail): boolean {
  const atMs = sentBackAtMs.get(mail)
  return atMs !== undefined && performance.now() - atMs < AT_ONCE_MS
}

/** Hook `bounce`; `isObserved`: nothing may change for Haraka, whatever happens. Calls `next` once, or sends the mail back to Haraka's queue. */
export function answerBounce(
  { plugin, mail, next, isObserved }: DeliveryCall & { isObserved: boolean },
  work: DeliveryWork,
): void {
  if (wasSentBack(mail)) {
    plugin.logerror(
      logId(mail),
      'no try is left for a delivery that could not be decided: Haraka sends its own DSN',
    )
    next()
    return
  }
  withinLimit(plugin, work)
    .catch((fault: unknown): DeliveryOutcome => {
      const reason = errorText(fault)
      if (!isObserved) return { kind: 'again', reason, isFault: true }
      plugin.logwarn(logId(mail), `mode=observe, else tried again later: ${reason}`)
      return { kind: 'untouched' }
    })
    .then(outcome => {
      if (outcome.kind === 'untouched') next()
      else if (outcome.kind === 'again') sendBack({ plugin, mail, next }, outcome)
      else if (outcome.own.length === 0) next(ok)
      else {
        // Haraka's own DSN names the recipients of this list; in the error they still have the server's replies
        if (mail.todo) mail.todo.rcpt_to = [...outcome.own]
        next()
      }
    })
    .catch((fault: unknown) =>
      plugin.logerror(logId(mail), `Haraka failed on the answer: ${errorText(fault)}`),
    )
}

/** Hook `deferred`. Haraka tries again unless all is done. */
export function answerDeferred({ plugin, mail, next }: DeliveryCall, work: DeliveryWork): void {
  withinLimit(plugin, work)
    .then(outcome => (outcome.kind === 'done' && outcome.own.length === 0 ? next(ok) : next()))
    .catch((fault: unknown) => {
      plugin.logerror(logId(mail), `not decided, Haraka tries again: ${errorText(fault)}`)
      next()
    })
    .catch((fault: unknown) =>
      plugin.logerror(logId(mail), `Haraka failed on the answer: ${errorText(fault)}`),
    )
}

export interface DeliveryCall {
  plugin: HarakaPlugin
  mail: OutboundMail
  next: Next
}

function sendBack(
  { plugin, mail, next }: DeliveryCall,
  { reason, isFault }: { reason: string; isFault: boolean },
): void {
  if (!hasTries(mail)) {
    plugin.logerror(logId(mail), `no try is left, so that Haraka sends its own DSN: ${reason}`)
    next()
    return
  }
  // Haraka would end this hook by its time limit, and delete the mail meanwhile
  const cancel = mail.current_hook?.[2]
  if (typeof cancel !== 'function') {
    plugin.logerror(logId(mail), `this Haraka can't try it again, and sends its own DSN: ${reason}`)
    next()
    return
  }
  plugin[isFault ? 'logerror' : 'lognotice'](logId(mail), `tried again later: ${reason}`)
  cancel()
  mail.hooks_to_run = []
  sentBackAtMs.set(mail, performance.now())
  mail.temp_fail(reason)
}

/** Haraka's outbound/hmail.js, `temp_fail`. */
export function hasTries({ cfg, num_failures: failures }: OutboundMail): boolean {
  const intervals = cfg?.temp_fail_intervals
  return !Array.isArray(intervals) || failures < intervals.length
}

async function withinLimit(plugin: HarakaPlugin, work: DeliveryWork): Promise<DeliveryOutcome> {
  const timeout = limitOf(plugin)
  const limitMs = timeout > 0 ? Math.min(LONGEST_MS, timeout * 1000 * SHARE_OF_LIMIT) : LONGEST_MS
  let isLate = false
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      isLate = true
      reject(new Error(`it took longer than ${Math.round(limitMs / 1000)} s`))
    }, limitMs)
  })
  try {
    return await Promise.race([work(() => isLate), late])
  } finally {
    clearTimeout(timer)
  }
}
