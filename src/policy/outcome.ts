// The outcome of a rule: its action, and the keys that go with it.
// Never throws: each fault is reported at its line, and a rule with a fault has no outcome.

import { didYouMean } from '../settings/findings'
import type { IniEntry } from '../settings/ini'
import { splitItems, wholeValue } from '../settings/items'
import {
  AUTHENTICATION_LEVELS,
  FALLBACK_ACTIONS,
  GUARD_FLAGS,
  type GuardSettings,
} from '../settings/settings'
import { bounceSenderFault } from './bounce'
import { inClass, REPLY_TEXTS, TYPE_TEXTS } from './bounce-types'
import { ACTIONS, type Action, BOUNCE_TYPES } from './decision'
import type { BounceOutcome, Outcome, RefusalOutcome, Rule } from './rule'
import {
  ADDRESS_NAMES,
  DIAGNOSTIC_CHARACTERS,
  EXPLANATION_CHARACTERS,
  ownCharacters,
  parseTemplate,
  printable,
  REPLY_CHARACTERS,
  type Template,
} from './templates'

/** Each outcome key with the actions that it goes with. */
const KEY_ACTIONS: Record<string, readonly Action[]> = {
  action: ACTIONS,
  mode: ACTIONS,
  'bounce.type': ['bounce'],
  'bounce.status': ['bounce'],
  'bounce.text': ['bounce'],
  'bounce.diagnostic': ['bounce'],
  'bounce.sender': ['bounce'],
  deliver: ['bounce'],
  fallback: ['bounce'],
  cap: ['bounce'],
  reply: ['reject', 'defer'],
  ...Object.fromEntries(
    [...GUARD_FLAGS, 'role_addresses', 'authentication'].map(name => [`guard.${name}`, ['bounce']]),
  ),
}
export const OUTCOME_KEYS: readonly string[] = Object.keys(KEY_ACTIONS)

export function isOutcomeKey(key: string): boolean {
  return Object.hasOwn(KEY_ACTIONS, key)
}

export interface OutcomeContext {
  /** [ses] bounce_sender. */
  bounceSender: Template
  guard: GuardSettings
  error(line: number, message: string): void
  warn(line: number, message: string): void
}

/** `entries`: the rule's outcome keys. What is faulty is reported, and stands for its default here. */
export function compileOutcome(
  rule: { name: string; line: number },
  entries: readonly IniEntry[],
  context: OutcomeContext,
): Pick<Rule, 'mode' | 'outcome'> | undefined {
  const values = new OutcomeReader(entries, context)
  const mode = values.oneOf('mode', ['enforce', 'observe'] as const) ?? 'enforce'
  const action = values.oneOf('action', ACTIONS)
  if (action === undefined) {
    if (!values.has('action'))
      context.error(rule.line, `the rule has no action; valid are ${ACTIONS.join(', ')}`)
    return undefined
  }
  for (const { key, line } of entries) {
    const actions = KEY_ACTIONS[key] ?? []
    if (!actions.includes(action))
      context.error(line, `"${key}" only goes with action = ${actions.join(' or ')}`)
  }
  return { mode, outcome: outcomeOf(action, rule.name, values, context) }
}

function outcomeOf(action: Action, rule: string, values: OutcomeReader, context: OutcomeContext): Outcome {
  switch (action) {
    case 'bounce':
      return bounceOutcome(rule, values, context)
    case 'reject':
    case 'defer':
      return refusalOutcome(action, values)
    case 'accept':
    case 'quarantine':
    case 'drop':
      return { action }
  }
}

function bounceOutcome(rule: string, values: OutcomeReader, context: OutcomeContext): BounceOutcome {
  const type = values.oneOf('bounce.type', BOUNCE_TYPES) ?? 'Undefined'
  const text = values.template('bounce.text', EXPLANATION_CHARACTERS)
  const diagnostic = values.template('bounce.diagnostic', DIAGNOSTIC_CHARACTERS, withDiagnosticType)
  const fallback = values.oneOf('fallback', FALLBACK_ACTIONS)
  values.notYet('cap')
  return {
    action: 'bounce',
    type,
    status: values.status('bounce.status') ?? TYPE_TEXTS[type].status,
    ...(text && { text }),
    ...(diagnostic && { diagnostic }),
    sender: values.address('bounce.sender', rule) ?? context.bounceSender,
    deliver: values.flag('deliver') ?? false,
    ...(fallback && { fallback }),
    guard: guardOf(values, context.guard),
  }
}

function guardOf(values: OutcomeReader, standard: GuardSettings): GuardSettings {
  const guard = { ...standard }
  for (const name of GUARD_FLAGS) guard[name] = values.flag(`guard.${name}`) ?? guard[name]
  if (!guard.null_sender) {
    values.fault(
      'guard.null_sender',
      "can't be turned off: a bounce is never answered (RFC 5321 section 6.1)",
    )
    guard.null_sender = true
  }
  guard.authentication = values.oneOf('guard.authentication', AUTHENTICATION_LEVELS) ?? guard.authentication
  guard.role_addresses = values.list('guard.role_addresses') ?? guard.role_addresses
  return guard
}

function refusalOutcome(action: 'reject' | 'defer', values: OutcomeReader): RefusalOutcome {
  const standard = REPLY_TEXTS[action]
  const reply = values.text('reply')
  // RFC 3463 section 2
  const [, status, rest] = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+(.*))?$/s.exec(reply ?? '') ?? []
  const withoutStatus = () => (status === undefined ? (reply ?? '') : (rest ?? ''))
  const text = values.template('reply', REPLY_CHARACTERS, withoutStatus)
  return {
    action,
    status: inClass(action, status ?? standard.status),
    text: text && text.parts.length > 0 ? text : { parts: [standard.text] },
  }
}

/** RFC 3464 section 2.3.6: a diagnostic opens with its type. */
function withDiagnosticType(text: string): string {
  return /^[A-Za-z0-9-]+;/.test(text) ? text : `smtp; ${text}`
}

/** The values of a rule's outcome keys; each fault is reported where it stands. */
class OutcomeReader {
  readonly #entries: ReadonlyMap<string, IniEntry>
  readonly #context: OutcomeContext

  constructor(entries: readonly IniEntry[], context: OutcomeContext) {
    this.#entries = new Map(entries.map(entry => [entry.key, entry]))
    this.#context = context
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  fault(key: string, message: string): undefined {
    this.#context.error(this.#entries.get(key)?.line ?? 0, `"${key}" ${message}`)
    return undefined
  }

  /** Undefined: the key isn't there, or is empty, which is reported. */
  text(key: string): string | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const text = wholeValue(entry.value)
    return text === '' ? this.fault(key, 'needs a value') : text
  }

  oneOf<T extends string>(key: string, values: readonly T[]): T | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const value = values.find(known => known.toLowerCase() === text.toLowerCase())
    if (value !== undefined) return value
    return this.fault(key, `can't be "${text}"; valid are ${values.join(', ')}${didYouMean(text, values)}`)
  }

  flag(key: string): boolean | undefined {
    const value = this.oneOf(key, ['true', 'false'] as const)
    return value === undefined ? undefined : value === 'true'
  }

  /** In lower case; an empty list is one. */
  list(key: string): string[] | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const { items, fault } = splitItems(entry.value)
    if (fault !== undefined) return this.fault(key, `can't be read: ${fault}`)
    return items.map(({ text }) => text.toLowerCase())
  }

  status(key: string): string | undefined {
    const text = this.text(key)
    // RFC 3463 section 2
    if (text === undefined || /^[45]\.\d{1,3}\.\d{1,3}$/.test(text)) return text
    return this.fault(key, `can't be "${text}"; write a status of class 4 or 5, as 5.7.1`)
  }

  /** `change` is applied to the text before it is read. */
  template(key: string, limit: number, change = (text: string) => text): Template | undefined {
    const written = this.text(key)
    if (written === undefined) return undefined
    const { template, faults } = parseTemplate(change(written))
    for (const fault of faults) this.fault(key, `can't be used: ${fault}`)
    const length = ownCharacters(template)
    if (length > limit) this.#warn(key, `has ${length} characters; what is over ${limit} is cut off`)
    if (printable(written) !== written)
      this.#warn(key, 'has characters other than printable ASCII; they become "?"')
    return template
  }

  address(key: string, rule: string): Template | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const { template, faults } = parseTemplate(text, ADDRESS_NAMES)
    const wrong = faults[0] ?? bounceSenderFault(template, rule)
    return wrong === undefined ? template : this.fault(key, `can't be used: ${wrong}`)
  }

  notYet(key: string): void {
    if (this.has(key)) this.fault(key, 'is not available yet')
  }

  #warn(key: string, message: string): void {
    this.#context.warn(this.#entries.get(key)?.line ?? 0, `"${key}" ${message}`)
  }
}
