// Reads other plugins' results: the values at a path such as `rspamd.score`, in any of Haraka's result stores.
// Never throws: a missing value gives an empty list. Names of plugins may hold dots, such as `rcpt_to.in_host_list`.

/** The part of Haraka's ResultStore that is used. */
export interface ResultStore {
  get(plugin: string): unknown
}

/** All results, by the name of their plugin. */
export interface AllResults {
  get_all(): unknown
}

/** Texts and numbers; true and false as text; the elements of a list. Other values are left out. */
export function resultsAt(stores: readonly ResultStore[], path: string): (string | number)[] {
  const names = path.split('.')
  return stores.flatMap(store =>
    names.slice(1).flatMap((_, index) => {
      const end = index + 1
      return valuesOf(memberOf(store.get(names.slice(0, end).join('.')), names.slice(end)))
    }),
  )
}

/** A key may hold dots too: the longest is tried first. */
function memberOf(value: unknown, names: readonly string[]): unknown {
  if (names.length === 0) return value
  if (typeof value !== 'object' || value === null) return undefined
  for (let end = names.length; end > 0; end--) {
    const key = names.slice(0, end).join('.')
    if (!Object.hasOwn(value, key)) continue
    const found = memberOf((value as Record<string, unknown>)[key], names.slice(end))
    if (found !== undefined) return found
  }
  return undefined
}

function valuesOf(value: unknown): (string | number)[] {
  if (Array.isArray(value)) return value.flatMap(one => (Array.isArray(one) ? [] : valuesOf(one)))
  if (typeof value === 'boolean') return [String(value)]
  return typeof value === 'string' || typeof value === 'number' ? [value] : []
}

/** Whether the plugin has noted an error. */
export function hasError(stores: readonly ResultStore[], plugin: string): boolean {
  return stores.some(store => {
    const errors: unknown = Object(store.get(plugin)).err
    return Array.isArray(errors) ? errors.length > 0 : Boolean(errors)
  })
}

/** The number of errors that plugins have noted so far. */
export function countErrors(stores: readonly AllResults[]): number {
  let count = 0
  for (const store of stores) {
    for (const result of Object.values(Object(store.get_all()))) {
      const errors: unknown = Object(result).err
      if (Array.isArray(errors)) count += errors.length
    }
  }
  return count
}
