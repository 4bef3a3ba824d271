// A time as a client writes it. Pure.

/** RFC 3339 section 5.6, with a time zone. */
export const TIME =
  /^\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/

/** Undefined: it is none. */
export function rfc3339Ms(text: string): number | undefined {
  const ms = TIME.test(text) && isDate(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

/** Date.parse reads 30 February as 2 March. */
function isDate(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}
