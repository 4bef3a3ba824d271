// Parsers of single values in ses-bounce.ini, each with the text for a value that is wrong.
// Nothing throws: a wrong value is returned as a fault, in words for a diagnostic.

import type { Result } from '../errors'
import { wholeValue } from './items'
import type { Rate, Surge } from './settings'
import {
  DURATION_FORM,
  formatDuration,
  formatSize,
  parseCount,
  parseDurationMs,
  parseSizeBytes,
  SIZE_FORM,
} from './values'

export interface ValueParser<T> {
  /** Describes right values in a few words. */
  form: string
  /** The bounds, if any: `from 100ms to 5m`. */
  range?: string
  /** `raw`: the text in the file, with its comment. `key`: the name for the fault. */
  read(raw: string, key: string): Result<T>
}

/** Bounds, both included, each with a reason where it isn't obvious. */
interface Bounds {
  min: number
  max: number
  minReason?: string
  maxReason?: string
}

export function choice<const T extends string>(names: readonly T[]): ValueParser<T> {
  const form = orList(names)
  return whole(form, (text, key) => {
    const name = names.find(known => known === text.toLowerCase())
    if (name !== undefined) return { value: name }
    return unknownValue(text, key, form)
  })
}

const BOOLEANS = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['no', false],
  ['off', false],
])

export const boolean: ValueParser<boolean> = whole('true or false', (text, key) => {
  const value = BOOLEANS.get(text.toLowerCase())
  return value === undefined ? unknownValue(text, key, boolean.form) : { value }
})

/** A parser for a guard that a standard forbids to turn off. */
export function alwaysTrue(reason: string): ValueParser<true> {
  return whole('true', (text, key) => {
    const read = boolean.read(text, key)
    if ('fault' in read) return read
    return read.value ? { value: true } : { fault: `${key} can't be turned off: ${reason}` }
  })
}

/** Milliseconds. */
export function duration(bounds: Bounds): ValueParser<number> {
  const parser = whole(DURATION_FORM, (text, key) => {
    const ms = parseDurationMs(text)
    return ms === undefined
      ? unknownValue(text, key, DURATION_FORM)
      : bounded(ms, text, key, bounds, formatDuration)
  })
  return { ...parser, range: rangeOf(bounds, formatDuration) }
}

/** `2s..10m`: two durations in milliseconds, the first not above the second. */
export function durationRange(bounds: Bounds): ValueParser<{ firstMs: number; longestMs: number }> {
  const form = 'two durations, the shorter one first: 2s..10m'
  const parser = whole(form, (text, key) => {
    const [first, longest, ...more] = text.split('..').map(part => parseDurationMs(part.trim()))
    if (first === undefined || longest === undefined || more.length > 0) return unknownValue(text, key, form)
    for (const ms of [first, longest]) {
      const read = bounded(ms, text, key, bounds, formatDuration)
      if ('fault' in read) return read
    }
    if (first > longest) return unknownValue(text, key, form)
    return { value: { firstMs: Math.round(first), longestMs: Math.round(longest) } }
  })
  return { ...parser, range: rangeOf(bounds, formatDuration) }
}

/** Bytes. */
export function size(bounds: Bounds): ValueParser<number> {
  const parser = whole(SIZE_FORM, (text, key) => {
    const bytes = parseSizeBytes(text)
    return bytes === undefined
      ? unknownValue(text, key, SIZE_FORM)
      : bounded(bytes, text, key, bounds, formatSize)
  })
  return { ...parser, range: rangeOf(bounds, formatSize) }
}

export function count(bounds: Bounds): ValueParser<number> {
  const form = `a number from ${bounds.min} to ${bounds.max}`
  return whole(form, (text, key) => {
    const number = parseCount(text)
    return number === undefined ? unknownValue(text, key, form) : bounded(number, text, key, bounds, String)
  })
}

const RATE_UNITS_MS = new Map([
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
])
export const RATE_FORM = 'a number per minute, hour or day: 10/day; empty: off'

/** `10/day` */
export function formatRate({ count, perMs }: Rate): string {
  const [unit] = [...RATE_UNITS_MS].find(([, ms]) => ms === perMs) ?? [formatDuration(perMs)]
  return `${count}/${unit}`
}

/** `10/day`. Undefined: no rate. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d{1,9})\s*\/\s*([a-z]{1,6})$/i.exec(text)
  const perMs = RATE_UNITS_MS.get(match?.[2]?.toLowerCase() ?? '')
  const number = Number(match?.[1])
  return perMs !== undefined && number > 0 ? { count: number, perMs } : undefined
}

/** Empty: off. */
export const rate: ValueParser<Rate | undefined> = orEmpty(
  undefined,
  whole(RATE_FORM, (text, key) => {
    const value = parseRate(text)
    return value ? { value } : unknownValue(text, key, RATE_FORM)
  }),
)

const SURGE_FORM = 'a share in a time, as 50%/10m; empty: off'

/** `50%/10m`. Empty: off. */
export const surge: ValueParser<Surge | undefined> = orEmpty(
  undefined,
  whole(SURGE_FORM, (text, key) => {
    const [, percent, time = ''] = /^(\d{1,3})\s*%\s*\/\s*(\S{1,20})$/.exec(text) ?? []
    const perMs = parseDurationMs(time)
    const [share, ms] = [Number(percent), Math.round(perMs ?? 0)]
    return share >= 1 && share <= 100 && ms >= 1000 && ms <= 86_400_000
      ? { value: { percent: share, perMs: ms } }
      : unknownValue(text, key, SURGE_FORM)
  }),
)

/** RFC 5321 section 4.1.2: characters of a local part other than letters, digits and dots. */
const SEPARATOR = /^[!#$%&'*+\-/=?^_`{|}~]$/

/** Empty: none. */
export const labelSeparator: ValueParser<string> = orEmpty(
  '',
  whole('one character such as + or -; empty: there are no labels', (text, key) =>
    SEPARATOR.test(text) ? { value: text } : unknownValue(text, key, labelSeparator.form),
  ),
)

/** A parser of one value that is never empty; `text` is without its comment. */
export function whole<T>(form: string, read: (text: string, key: string) => Result<T>): ValueParser<T> {
  return {
    form,
    read(raw, key) {
      const text = wholeValue(raw)
      return text === '' ? { fault: `${key} is empty; ${form}` } : read(text, key)
    },
  }
}

/** The same parser, but an empty value is read as `empty`. */
export function orEmpty<T, E>(empty: E, parser: ValueParser<T>): ValueParser<T | E> {
  return {
    form: parser.form,
    read: (raw, key) => (wholeValue(raw) === '' ? { value: empty } : parser.read(raw, key)),
  }
}

export function unknownValue(text: string, key: string, form: string): { fault: string } {
  return { fault: `unknown value ${quoted(text)} for ${key}; ${form}` }
}

/** Any text, shortened and escaped to one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}

/** `a, b or c` */
function orList(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter(part => part !== '').join(' or ')
}

function rangeOf({ min, max }: Bounds, format: (value: number) => string): string {
  return min === 0 ? `at most ${format(max)}` : `from ${format(min)} to ${format(max)}`
}

function bounded(
  value: number,
  text: string,
  key: string,
  { min, max, minReason, maxReason }: Bounds,
  format: (value: number) => string,
): Result<number> {
  const because = (reason?: string) => (reason === undefined ? '' : `: ${reason}`)
  if (value < min)
    return { fault: `${quoted(text)} is too little for ${key}; at least ${format(min)}${because(minReason)}` }
  if (value > max)
    return { fault: `${quoted(text)} is too much for ${key}; at most ${format(max)}${because(maxReason)}` }
  return { value: Math.round(value) }
}
