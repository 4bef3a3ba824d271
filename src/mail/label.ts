// Labels of addresses: `anna+shop@example.com` is a label of `anna@example.com`, as in SES's own receipt rules
// (SES developer guide: receipt rules, recipient conditions).

import type { AddressKey } from '../units'

/**
 * The address key of the label's mailbox, or the key itself if it has no label.
 * `key`: from `addressKey`. `separator`: [relay] label_separator; empty: there are no labels.
 * A separator at the very beginning doesn't count, as the mailbox's name would be empty.
 */
export function withoutLabel(key: AddressKey, separator: string): AddressKey {
  if (separator === '') return key
  const label = key.indexOf(separator)
  if (label < 1) return key
  const at = key.lastIndexOf('@')
  return label < at ? ((key.slice(0, label) + key.slice(at)) as AddressKey) : key
}
