// Keeps other plugins from skipping ours in a transaction with recipients that are accepted for the time being only:
// without our hooks such a recipient would be delivered, though a plugin has refused it.

/** The part of Haraka's transaction.notes that is used: Haraka runs no hook of a plugin that this list names. */
export interface SkipNotes {
  skip_plugins?: string[]
}

/** From now on `skip_plugins` doesn't include the plugin, whatever is added to the list or put in place of list or notes. */
export function neverSkip(transaction: { notes: SkipNotes }, plugin: string): void {
  let { notes } = transaction
  guardNotes(notes, plugin)
  Object.defineProperty(transaction, 'notes', {
    configurable: true,
    enumerable: true,
    get: () => notes,
    set: (value: unknown) => {
      notes = Object(value) as SkipNotes
      guardNotes(notes, plugin)
    },
  })
}

function guardNotes(notes: SkipNotes, plugin: string): void {
  let list = guarded(notes.skip_plugins, plugin)
  Object.defineProperty(notes, 'skip_plugins', {
    configurable: true,
    enumerable: true,
    get: () => list,
    set: (value: unknown) => {
      list = guarded(value, plugin)
    },
  })
}

function guarded(value: unknown, plugin: string): string[] {
  const list: string[] = Array.isArray(value) ? value : []
  // plugins.js, run_next_hook asks the list by `includes`
  const includes = (name: string) => name !== plugin && Array.prototype.includes.call(list, name)
  Object.defineProperty(list, 'includes', { configurable: true, value: includes })
  return list
}
