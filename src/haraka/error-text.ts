// An error in one line of printable ASCII, for Haraka's log and its replies, without what variables hold.

import { withoutHidden } from '../config/hidden-values'

export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return withoutHidden(text).replace(/[^ -~]+/g, ' ')
}
