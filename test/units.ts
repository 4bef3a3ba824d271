// Texts of tests as the types that only the product makes: they are written in normal form already.

import type { AddressKey, AsciiDomain, EpochMs, MonoMs } from '../src/units'

export function domain(text: string): AsciiDomain {
  return text as AsciiDomain
}

export function key(text: string): AddressKey {
  return text as AddressKey
}

/** Units can't be mixed: the compiler fails where one of these is no error any more. */
export function mixed(at: EpochMs, mono: MonoMs, text: string): unknown[] {
  // @ts-expect-error: no time since the epoch
  const epoch: EpochMs = mono
  // @ts-expect-error: no time of a monotonic clock
  const monotonic: MonoMs = at
  // @ts-expect-error: an address as written is no key
  const key: AddressKey = text
  // @ts-expect-error: a domain as written may have U-labels
  const domain: AsciiDomain = text
  return [epoch, monotonic, key, domain]
}
