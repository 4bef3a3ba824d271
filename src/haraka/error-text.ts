// Formats an error as one line of printable ASCII, for Haraka's log and its replies, without values of variables.

import { withoutHidden } from '../config/hidden-values'
import { errorMessage } from '../errors'

export function errorText(error: unknown): string {
  return withoutHidden(errorMessage(error)).replace(/[^ -~]+/g, ' ')
}
