// Labels of addresses: `anna+shop@example.com` is a label of `anna@example.com`, as SES's own receipt rules have it
// (SES developer guide: receipt rules, recipient conditions). Pure.

/**
 * The address key of the mailbox to which the label belongs; the key itself where there is no label.
 * `key`: as `addressKey` makes it. `separator`: [relay] label_separator; empty: there are no labels.
 * A separator in the first place begins no label: there would be no mailbox before it.
 */
export function withoutLabel(key: string, separator: string): string {
  if (separator === '') return key
  const label = key.indexOf(separator)
  if (label < 1) return key
  const at = key.lastIndexOf('@')
  return label < at ? key.slice(0, label) + key.slice(at) : key
}
