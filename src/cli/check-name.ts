// `ses-bounce check --explain NAME`: explains a setting, a condition, a key of a rule, a pattern, a guard or a reason.
// Reads no configuration. For an unknown name it exits with 2, and suggests a similar one.

import { jsonText } from '../json'
import { ACTIONS, type Action } from '../policy/decision'
import type { Entry } from '../reference/entry'
import { findEntries, unknownName } from '../reference/find'
import { escapeControls, type Out } from './out'

/** The description of each topic. */
const PLACES: Record<Entry['topic'], string> = {
  setting: 'a setting in config/ses-bounce.ini',
  condition: 'a condition of a rule in config/ses-bounce-rules.ini',
  'kind of condition': 'a kind of condition',
  pattern: 'a pattern',
  'outcome key': 'a key of a rule in config/ses-bounce-rules.ini',
  'template name': 'a name that is filled into a text',
  guard: 'a guard',
  'fallback reason': 'a reason why there is no bounce',
}

/** The exit code. */
export function explainName(name: string, json: boolean, out: Out): number {
  const entries = findEntries(name)
  if (entries.length === 0) {
    out.error(escapeControls(`ses-bounce check: ${unknownName(name)}`))
    return 2
  }
  if (json) out.line(jsonText({ entries: entries.map(asObject) }))
  else out.line(entries.map(entry => asText(entry).join('\n')).join('\n\n'))
  return 0
}

function asText(entry: Entry): string[] {
  const {
    topic,
    name,
    meaning,
    values,
    where,
    default: defaultText,
    actions,
    example,
    words,
    source,
    status,
    note,
    about,
    page,
  } = entry
  const rows: [string, string | undefined][] = [
    ['values', values],
    ['used in', where],
    ['default', defaultText],
    ['valid with', actions && validWith(actions)],
    ['example', example],
    ['words', words?.join(', ')],
    ['status', status],
    ['standard', source],
    ['more', page],
  ]
  return [
    `${name}: ${PLACES[topic]}`,
    `  ${meaning}`,
    ...[note, about].filter(text => text !== undefined).map(text => `  ${text}`),
    ...(topic === 'condition' ? ['  With not. before it the condition holds when no pattern matches.'] : []),
    ...rows.filter(([, text]) => text !== undefined).map(([what, text]) => `  ${what.padEnd(10)} ${text}`),
  ]
}

function validWith(actions: readonly Action[]): string {
  return actions.length === ACTIONS.length ? 'every action' : `action = ${actions.join(' or ')}`
}

function asObject(entry: Entry): object {
  return Object.fromEntries(Object.entries(entry).filter(([what]) => what !== 'names'))
}
