// A key of ses-bounce.ini, as the tables of the sections have it, with the numbers that they share.

import { FALLBACK_ACTIONS } from './settings'
import { choice, type ValueParser } from './value-parsers'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** SES API: SendBounce accepts one call a second. */
export const SES_INTERVAL_MS = SECOND
/** SES API: SendBounce accepts bounces for a mail up to 24 hours after its receipt. */
export const SES_WINDOW_MS = DAY

export interface Key<T> {
  parser: ValueParser<T>
  /** The default in the form of the file. */
  default: string
  /** One line that can stand alone. */
  meaning: string
  /** An example value, if the default is empty. */
  example?: string
  /** More for the reference. */
  note?: string
}

export function key<T>(
  parser: ValueParser<T>,
  defaultText: string,
  meaning: string,
  more: { example?: string; note?: string } = {},
): Key<T> {
  return { parser, default: defaultText, meaning, ...more }
}

export const fallback = (action: string, meaning: string) => key(choice(FALLBACK_ACTIONS), action, meaning)
