// Converts values to the database's and back, as plain data.

import { types } from 'pg'

/** PostgreSQL, pg_type: int8, numeric. */
const [INT8, NUMERIC] = [20, 1700]

/** pg gives int8 and numeric as text, as they may be too large; the queue's own numbers aren't. */
export function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8 || oid === NUMERIC) return safeNumber
  return ofPg(oid, format)
}

const ofPg = types.getTypeParser as (oid: number, format?: string) => (text: string) => unknown

function safeNumber(text: string): number {
  const number = Number(text)
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return number
  throw new RangeError(`the database holds a number that is too large: ${text}`)
}

/** PostgreSQL has no NUL in text, and no half of a surrogate pair. */
export function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\0\p{Surrogate}]/gu, '\uFFFD')
  return Array.isArray(value) ? value.map(clean) : value
}

export function jsonOf(args: object): string {
  const text = JSON.stringify(args)
  return UNFIT.test(text) ? JSON.stringify(args, (_, value: unknown) => clean(value)) : text
}

/** JSON.stringify escapes both; so much may also be text of a mail that only looks like it. */
const UNFIT = /\\u(?:0000|d[89a-f])/i
