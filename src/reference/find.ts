// Finds entries of the reference by a name in any form: `limit.interval`, `[limit] interval`, `interval`; `[limit]` is the
// section, and no key of that name.
// Returns all entries with that name, or none.

import { didYouMean } from '../config/diagnostics'
import { findField } from '../policy/fields'
import { ENTRIES } from './entries'
import type { Entry } from './entry'

export function findEntries(asked: string): readonly Entry[] {
  // whatever the account's name is
  const name = plain(asked).replace(/^account\.[^.]+/, 'account.name')
  if (asked.trim().endsWith(']')) {
    const settings = ENTRIES.filter(entry => entry.name.toLowerCase().startsWith(`[${name}] `))
    if (settings.length > 0) return settings
  }
  if (!name.startsWith('not.')) return named(name)
  return named(name.slice('not.'.length)).filter(({ topic }) => topic === 'condition')
}

/** The error for an unknown name. */
export function unknownName(asked: string): string {
  const name = plain(asked)
  const bare = name.replace(/^not\./, '')
  if (bare !== name && named(bare).length > 0)
    return `only conditions can be negated, not ${JSON.stringify(bare)}`
  const known = ENTRIES.flatMap(({ names }) => names)
  return `unknown name ${JSON.stringify(asked.slice(0, LONGEST))}${didYouMean(bare, known)}`
}

const LONGEST = 100

function named(name: string): readonly Entry[] {
  const found = ENTRIES.filter(({ names }) => names.includes(name))
  if (found.length > 0) return found
  const field = findField(name)?.field
  const written = field?.family ?? field?.name
  return ENTRIES.filter(entry => entry.topic === 'condition' && entry.name === written)
}

/** Case, blanks and the brackets of a section don't count. */
function plain(asked: string): string {
  const text = asked.trim().replace(/\s+/g, ' ').toLowerCase()
  const [, section, key] = /^\[ ?([^\]]*?) ?\] ?(.*)$/.exec(text) ?? []
  return section === undefined ? text : [section, key].filter(part => part !== '').join('.')
}
