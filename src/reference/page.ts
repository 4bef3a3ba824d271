// Writes docs/reference.md: every entry of the reference, in tables. A test compares the file with it.

import { ACCOUNT_MEANING, ACCOUNT_SECTION } from '../config/accounts'
import { VALUE_FORMS } from '../config/example'
import { SCHEMA, SECTION_MEANING, type SectionName } from '../config/schema'
import { ACTIONS as ALL_ACTIONS } from '../policy/decision'
import { ENTRIES } from './entries'
import type { Entry, Topic } from './entry'

interface Column {
  head: string
  cell: (entry: Entry) => string
}

const NAME: Column = { head: 'name', cell: ({ name }) => code(name) }
const KEY: Column = { head: 'key', cell: ({ name }) => code(name.replace(/^\[.*\] /, '')) }
const VALUES: Column = { head: 'values', cell: ({ values }) => text(values ?? '') }
const MEANING: Column = { head: 'meaning', cell: entry => text(entry.meaning) + noteOf(entry) }
const EXAMPLE: Column = {
  head: 'example',
  cell: ({ example }) => (example === undefined ? '' : code(example)),
}
const DEFAULT: Column = {
  head: 'default',
  cell: entry => (isWritten(entry) ? code(entry.default ?? '') : text(entry.default ?? '')),
}
const ACTIONS: Column = {
  head: 'with action',
  cell: ({ actions = [] }) =>
    actions.length === ALL_ACTIONS.length ? 'every one' : actions.map(code).join(', '),
}
const WHERE: Column = { head: 'used in', cell: ({ where }) => text(where ?? '') }
/** Guards and reasons have a page of their own. */
const LINKED: Column = {
  head: 'name',
  cell: ({ name, page }) => `[${code(name)}](${page.replace(/^docs\//, '')})`,
}
/** An example is shown with the default. */
const SETTING: Column = {
  head: 'meaning',
  cell: entry => {
    const { meaning, example = '' } = entry
    const such = !isWritten(entry) ? `; such as ${code(example.replace(/^\w+ = /, ''))}` : ''
    return text(meaning) + such + noteOf(entry)
  },
}

const HEAD = `# Reference

Every setting, condition, pattern and key of a rule, every guard and every reason why there is no bounce. The page is
written from the tables in the source by which the configuration is checked; \`node_modules/.bin/ses-bounce check --explain NAME\`
shows the same of one name. How it all goes together is told in [Rules](rules.md), task by task.
`

export function referencePage(): string {
  return [
    HEAD,
    '## Settings',
    '',
    '`config/ses-bounce.ini`. ' + VALUE_FORMS.join('\n'),
    '',
    ...[...Object.keys(SCHEMA), ACCOUNT_SECTION].flatMap(settingsOf),
    '## Conditions',
    '',
    'Lines of a rule in `config/ses-bounce-rules.ini`. `KEY = PATTERN, PATTERN` holds when a value matches one of the',
    "patterns, `not.KEY` when none does. A value that a mail doesn't have matches nothing, so `not.KEY` holds.",
    '',
    ...table('condition', [
      { ...NAME, head: 'condition' },
      { head: 'kind', cell: ({ kind = '' }) => kind },
      MEANING,
      EXAMPLE,
    ]),
    '## Patterns',
    '',
    'The values of each kind of condition:',
    '',
    ...table('kind of condition', [{ ...NAME, head: 'kind' }, MEANING]),
    'The meaning of each pattern:',
    '',
    ...table('pattern', [{ ...NAME, head: 'pattern' }, MEANING, EXAMPLE, WHERE]),
    '## Outcome keys',
    '',
    'The other lines of a rule: they decide what happens to a mail for which it holds.',
    '',
    ...table('outcome key', [{ ...NAME, head: 'key' }, MEANING, VALUES, DEFAULT, ACTIONS, EXAMPLE]),
    '## Template names',
    '',
    "What is filled in becomes one line of printable ASCII, at most 128 characters of it; what isn't becomes a question",
    'mark. In an address it stands as it is.',
    '',
    ...table('template name', [NAME, MEANING, WHERE]),
    '## Guards',
    '',
    'A guard that holds turns a bounce into the fallback `unsafe`. They are asked in this order; the first that holds is',
    'the one that is named.',
    '',
    ...table('guard', [
      { ...LINKED, head: 'guard' },
      MEANING,
      { head: 'words', cell: ({ words = [] }) => words.map(code).join(', ') },
      { head: 'from', cell: ({ source = '' }) => text(source) },
    ]),
    '## Fallback reasons',
    '',
    ...table('fallback reason', [
      { ...LINKED, head: 'reason' },
      MEANING,
      { head: 'status of a refusal', cell: ({ status = '' }) => text(status) },
    ]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

function settingsOf(section: string): string[] {
  const entries = ENTRIES.filter(
    ({ topic, name, example }) =>
      topic === 'setting' && example !== undefined && name.startsWith(`[${section}] `),
  )
  if (entries.length === 0) return []
  const about = section === ACCOUNT_SECTION ? ACCOUNT_MEANING : SECTION_MEANING[section as SectionName]
  return [
    `### [${section}]`,
    '',
    ...(about === undefined ? [] : [text(about), '']),
    ...rows(entries, [KEY, VALUES, DEFAULT, SETTING]),
  ]
}

function table(topic: Topic, columns: readonly Column[]): string[] {
  return rows(
    ENTRIES.filter(entry => entry.topic === topic),
    columns,
  )
}

function rows(entries: readonly Entry[], columns: readonly Column[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(columns.map(({ head }) => head)),
    `|${columns.map(() => '---').join('|')}|`,
    ...entries.map(entry => line(columns.map(({ cell }) => cell(entry)))),
    '',
  ]
}

function noteOf({ note }: Entry): string {
  return note === undefined ? '' : `. ${text(note)}`
}

/** The default is a value, not a description of one. */
function isWritten({ topic, default: value = '' }: Entry): boolean {
  return topic === 'setting' ? !['empty', 'required'].includes(value) : !value.includes(' ')
}

function code(raw: string): string {
  return `\`${raw.replaceAll('|', '\\|')}\``
}

/** Escapes Markdown's special characters. */
function text(raw: string): string {
  return raw.replace(/[\\*|<]/g, '\\$&')
}
