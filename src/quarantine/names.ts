// The names of stored mail.

import { createHash } from 'node:crypto'

const NAME = /^[0-9a-f]{24}$/

/** `identity`: equal when the relay delivers the same mail again. */
export function nameOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 24)
}

/** No other text may be used as a path, or as a key of S3. */
export function isName(text: string): boolean {
  return NAME.test(text)
}
