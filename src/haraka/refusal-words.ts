// The words of a refusal where the plugin gave none, and without the addresses behind an alias. Pure.

import { printable } from '../mail/printable'
import type { Refusal } from '../mail/refusal'
import { REPLY_CHARACTERS } from '../mail/refusal-text'
import type { RcptCommand, Targets } from './rcpt-commands'
import type { RefusingHook } from './read-refusal'
import type { HarakaAddress, HarakaTransaction } from './types'

/** Haraka's connection.js: mail_respond, rcpt_respond, data_respond, data_post_respond, queue_msg. */
export function wordsOfHaraka(
  hook: RefusingHook,
  { mail_from: sender, rcpt_to: recipients }: HarakaTransaction,
): string {
  if (hook === 'mail') return `sender <${sender?.address ?? ''}> denied`
  if (hook === 'rcpt' || hook === 'rcpt_ok') return `recipient <${recipients.at(-1)?.address ?? ''}> denied`
  return 'Message denied'
}

/** Haraka's connection.js: rcpt_respond. */
export function wordsOfNobody({ address }: RcptCommand): string {
  return `I cannot deliver mail for <${address}>`
}

/**
 * The reply may name the addresses behind an alias, which the sender must not read: the address in RCPT TO stands there
 * instead. `command`: undefined where the whole mail was refused.
 */
export function withoutTargets(
  refusal: Refusal,
  command: RcptCommand | undefined,
  found: readonly Targets<HarakaAddress>[],
): Refusal {
  let { reply } = refusal
  for (const { command: of, targets } of found) {
    if (of === undefined || (command !== undefined && of !== command)) continue
    for (const { address } of targets) reply = withAddress(reply, address, of.address)
  }
  return reply === refusal.reply ? refusal : { ...refusal, reply }
}

/** The sender doesn't learn the address inside for which another plugin has replaced the recipient. */
export function withAddress(reply: string, inner: string, outer: string): string {
  // as the reply has it
  const written = printable(inner)
  if (written === '' || isSame(inner, outer)) return reply
  const [text, wanted] = [reply.toLowerCase(), written.toLowerCase()]
  let [done, from] = ['', 0]
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, from)) {
    done += reply.slice(from, at) + outer
    from = at + written.length
  }
  return from === 0 ? reply : printable(done + reply.slice(from)).slice(0, REPLY_CHARACTERS)
}

function isSame(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase()
}
