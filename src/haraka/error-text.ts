// Formats an error as one line of printable ASCII, for Haraka's log and its replies, without values of variables.

import { withoutHidden } from '../config/hidden-values'

export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return withoutHidden(text).replace(/[^ -~]+/g, ' ')
}
