// JSON for others to read: its names are in snake_case, whatever the code calls them. AWS's own names (BounceSender)
// stay. Pure. Values that are made of names, as a list of files by their names, aren't for here.

/** One line. */
export function jsonText(value: unknown): string {
  return JSON.stringify(snakeKeys(value))
}

export function snakeKeys(value: unknown): unknown {
  return renamed(value, key =>
    /^[a-z]/.test(key) ? key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`) : key,
  )
}

/** The way back; names that are in camelCase already stay. */
export function camelKeys(value: unknown): unknown {
  return renamed(value, key =>
    key.replace(/(?<=[a-z\d])_([a-z\d])/g, (_, letter: string) => letter.toUpperCase()),
  )
}

function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map(one => renamed(one, rename))
  // a Date has a form of its own
  if (Object.prototype.toString.call(value) !== '[object Object]') return value
  return Object.fromEntries(
    Object.entries(Object(value)).map(([key, one]) => [rename(key), renamed(one, rename)]),
  )
}
