// Makes all entries of the reference from the tables of settings, conditions, outcomes, patterns, templates and guards.
// A new line in a table so appears in `check --explain` and on the page.

import { ACCOUNT_KEYS, ACCOUNT_MEANING, ACCOUNT_SECTION } from '../config/accounts'
import { TOKEN_KEYS } from '../config/http-tokens'
import type { Key } from '../config/key'
import { SCHEMA, SECTION_MEANING, type SectionName } from '../config/schema'
import { FALLBACK_REASONS, type FallbackReason } from '../config/settings'
import { REASON_STATUS } from '../policy/fallback'
import { FIELD_TEXTS } from '../policy/field-texts'
import { FIELDS, type Field } from '../policy/fields'
import { GUARD_TEXTS, type GuardText } from '../policy/guard-texts'
import { OUTCOME_TABLE, type OutcomeKey } from '../policy/outcome-keys'
import { KIND_TEXTS, PATTERN_FORMS, type PatternForm } from '../policy/pattern-texts'
import {
  ADDRESS_NAMES,
  REFUSAL_NAMES,
  TEMPLATE_MEANINGS,
  TEXT_NAMES,
  type TemplateName,
} from '../policy/templates'
import type { Entry } from './entry'

const PAGE = 'docs/reference.md'
const REASONS_PAGE = 'docs/why-not-bounced.md'

/** The entries in the order of the page. */
export const ENTRIES: readonly Entry[] = [
  ...Object.entries(SCHEMA).flatMap(([section, keys]) =>
    Object.entries(keys).map(([name, key]: [string, Key<unknown>]) => ofSetting(section, name, key)),
  ),
  ...Object.entries(TOKEN_KEYS).map(([name, key]) => ofTokenKey(name, key)),
  ...Object.entries(ACCOUNT_KEYS).map(([name, key]) => ofAccountKey(name, key)),
  ...FIELDS.map(ofField),
  ...Object.entries(KIND_TEXTS).map(([kind, text]) => ofKind(kind, text)),
  ...PATTERN_FORMS.map(ofPattern),
  ...OUTCOME_TABLE.map(ofOutcomeKey),
  ...[...new Set([...TEXT_NAMES, ...REFUSAL_NAMES, ...ADDRESS_NAMES])].map(ofTemplateName),
  ...GUARD_TEXTS.map(ofGuard),
  ...FALLBACK_REASONS.map(ofReason),
]

function ofSetting(section: string, name: string, key: Key<unknown>): Entry {
  const { parser, meaning, example, note } = key
  const about = SECTION_MEANING[section as SectionName]
  return {
    topic: 'setting',
    name: `[${section}] ${name}`,
    meaning,
    values: parser.range === undefined ? parser.form : `${parser.form}; ${parser.range}`,
    default: key.default || 'empty',
    example: `${name} = ${example ?? key.default}`,
    ...(note !== undefined && { note }),
    ...(about !== undefined && { about }),
    page: `${PAGE}#${section.replaceAll('.', '')}`,
    names: [`${section}.${name}`, name, section],
  }
}

function ofTokenKey(name: string, key: Key<unknown>): Entry {
  const entry = ofSetting('http', name, key)
  const names = [...entry.names, name.replace('.NAME', '')].map(one => one.toLowerCase())
  return { ...entry, names: names.filter(one => one !== 'token') }
}

function ofAccountKey(name: string, key: Key<unknown>): Entry {
  return {
    ...ofSetting(ACCOUNT_SECTION, name, key),
    default: key.meaning.endsWith('required') ? 'required' : 'empty',
    about: ACCOUNT_MEANING,
    page: `${PAGE}#account${ACCOUNT_SECTION.split('.')[1]?.toLowerCase()}`,
    names: [`${ACCOUNT_SECTION}.${name}`, name, ACCOUNT_SECTION, 'account'].map(one => one.toLowerCase()),
  }
}

function ofField({ name, family, kind, words, phase }: Field): Entry {
  const written = family ?? name
  const text = FIELD_TEXTS[written]
  const notes = [
    ...(words === undefined
      ? []
      : [phase === 'refusal' ? `One of ${words.join(', ')}.` : `SES writes ${words.join(', ')}.`]),
    text?.note ?? '',
  ]
  const note = notes.join(' ').trim()
  return {
    topic: 'condition',
    name: written,
    meaning: text?.meaning ?? '',
    kind,
    values: KIND_TEXTS[kind],
    example: `${text?.key ?? written} = ${text?.example ?? ''}`,
    ...(note !== '' && { note }),
    page: `${PAGE}#conditions`,
    names: [written.toLowerCase(), ...(family === undefined ? [] : [name.replace(/\.$/, '')])],
  }
}

function ofKind(kind: string, text: string): Entry {
  return {
    topic: 'kind of condition',
    name: kind,
    meaning: text,
    page: `${PAGE}#patterns`,
    names: [kind],
  }
}

function ofPattern({ name, aliases, kinds, meaning, example, note }: PatternForm): Entry {
  return {
    topic: 'pattern',
    name,
    meaning,
    where: `conditions of kind ${kinds.join(', ')}`,
    example,
    ...(note !== undefined && { note }),
    page: `${PAGE}#patterns`,
    names: [name, ...aliases].map(one => one.toLowerCase()),
  }
}

function ofOutcomeKey({ name, actions, form, default: value, meaning, example, note }: OutcomeKey): Entry {
  return {
    topic: 'outcome key',
    name,
    meaning,
    values: form,
    ...(value !== '' && { default: value }),
    actions,
    example: `${name} = ${example}`,
    ...(note !== undefined && { note }),
    page: `${PAGE}#outcome-keys`,
    names: [name, ...(name.startsWith('guard.') ? [name.slice('guard.'.length), 'guard.name'] : [])],
  }
}

function ofTemplateName(name: TemplateName): Entry {
  const isText = TEXT_NAMES.some(known => known === name)
  const isAddress = ADDRESS_NAMES.some(known => known === name)
  const places = [
    ...(REFUSAL_NAMES.some(known => known === name)
      ? ['bounce.text, bounce.diagnostic and reply of a rule with a condition refused.']
      : []),
    ...(isText ? ['bounce.text, bounce.diagnostic and reply'] : []),
    ...(isAddress ? ['bounce.sender and [ses] bounce_sender'] : []),
  ]
  return {
    topic: 'template name',
    name: `{${name}}`,
    meaning: TEMPLATE_MEANINGS[name],
    where: places.join('; '),
    page: `${PAGE}#template-names`,
    names: [`{${name}}`, name],
  }
}

function ofGuard({ name, details, meaning, standard }: GuardText): Entry {
  const said = details.map(detail => `not bounced: ${detail}`)
  return {
    topic: 'guard',
    name,
    meaning: `no bounce when ${meaning}`,
    words: said,
    source: standard,
    page: `${REASONS_PAGE}#${anchorOf(name)}`,
    names: [name, ...details, ...said].map(one => one.toLowerCase()),
  }
}

function ofReason(reason: FallbackReason): Entry {
  const status = REASON_STATUS[reason]
  return {
    topic: 'fallback reason',
    name: reason,
    meaning: SCHEMA.fallback[reason].meaning,
    status: status ?? "the rule's own",
    words: [`because=${reason}`],
    page: `${REASONS_PAGE}#${reason}`,
    names: [reason, `because=${reason}`],
  }
}

/** GitHub's anchor of a heading: in lower case, with dashes for blanks, without punctuation. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}
