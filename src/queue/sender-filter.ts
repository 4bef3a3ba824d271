// Compares senders as an operator's filter asks: an address, or `@host` for all at a host. Pure.

import { addressKey, domainOf } from '../mail/address'

/** Undefined: every sender. */
export function senderTest(sender: string | undefined): (other: string) => boolean {
  if (sender === undefined) return () => true
  if (sender.startsWith('@')) {
    const host = domainOf(`x${sender}`)
    return other => host !== undefined && domainOf(other) === host
  }
  const key = addressKey(sender)
  return other => addressKey(other) === key
}
