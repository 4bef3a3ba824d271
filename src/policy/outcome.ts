// The outcome of a rule: its action, and the keys that go with it.
// Never throws: each fault is reported at its line, and a rule with a fault has no outcome.

import type { IniEntry } from '../config/ini'
import { AUTHENTICATION_LEVELS, FALLBACK_ACTIONS, GUARD_FLAGS, type GuardSettings } from '../config/settings'
import { inClass, REPLY_TEXTS, TYPE_TEXTS } from './bounce-types'
import { ACTIONS, type Action, BOUNCE_TYPES } from './decision'
import { findOutcomeKey, MODES } from './outcome-keys'
import { OutcomeReader, type Reporter } from './outcome-reader'
import type { BounceOutcome, Outcome, RefusalOutcome, Rule } from './rule'
import {
  DIAGNOSTIC_CHARACTERS,
  EXPLANATION_CHARACTERS,
  REFUSAL_NAMES,
  REPLY_CHARACTERS,
  TEXT_NAMES,
  type Template,
} from './templates'

export interface OutcomeContext extends Reporter {
  /** [ses] bounce_sender. */
  bounceSender: Template
  guard: GuardSettings
  /** The rule is about refusals. */
  ofRefusals: boolean
}

/** `entries`: the rule's outcome keys. A wrong value is reported, and replaced by its default. */
export function compileOutcome(
  rule: { line: number },
  entries: readonly IniEntry[],
  context: OutcomeContext,
): Pick<Rule, 'mode' | 'outcome'> | undefined {
  const names = context.ofRefusals ? [...TEXT_NAMES, ...REFUSAL_NAMES] : TEXT_NAMES
  const values = new OutcomeReader(entries, context, names)
  const mode = values.oneOf('mode', MODES) ?? 'enforce'
  const action = values.oneOf('action', ACTIONS)
  if (action === undefined) {
    if (!values.has('action'))
      context.error(rule.line, `the rule has no action; valid are ${ACTIONS.join(', ')}`)
    return undefined
  }
  for (const { key, line } of entries) {
    const actions = findOutcomeKey(key)?.actions ?? []
    if (!actions.includes(action))
      context.error(line, `"${key}" only goes with action = ${actions.join(' or ')}`)
  }
  return { mode, outcome: outcomeOf(action, values, context) }
}

function outcomeOf(action: Action, values: OutcomeReader, context: OutcomeContext): Outcome {
  switch (action) {
    case 'bounce':
      return bounceOutcome(values, context)
    case 'reject':
    case 'defer':
      return refusalOutcome(action, values, context)
    case 'accept':
    case 'quarantine':
    case 'drop':
      return { action }
  }
}

const LEFT_TO_REFUSAL = ['type', 'status', 'diagnostic'] as const

function bounceOutcome(values: OutcomeReader, context: OutcomeContext): BounceOutcome {
  const type = values.oneOf('bounce.type', BOUNCE_TYPES) ?? 'Undefined'
  const text = values.template('bounce.text', values.text('bounce.text'), EXPLANATION_CHARACTERS)
  const written = values.text('bounce.diagnostic')
  const typed = written === undefined ? undefined : withDiagnosticType(written)
  const diagnostic = values.template('bounce.diagnostic', typed, DIAGNOSTIC_CHARACTERS)
  const fallback = values.oneOf('fallback', FALLBACK_ACTIONS)
  const cap = values.rate('cap')
  return {
    action: 'bounce',
    type,
    status: values.status('bounce.status') ?? TYPE_TEXTS[type].status,
    ...(text && { text }),
    ...(diagnostic && { diagnostic }),
    sender: values.address('bounce.sender') ?? context.bounceSender,
    deliver: values.flag('deliver') ?? false,
    ...(fallback && { fallback }),
    ...(cap && { cap }),
    guard: guardOf(values, context.guard),
    fromRefusal: context.ofRefusals ? LEFT_TO_REFUSAL.filter(name => !values.has(`bounce.${name}`)) : [],
  }
}

function guardOf(values: OutcomeReader, defaults: GuardSettings): GuardSettings {
  const guard = { ...defaults }
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

function refusalOutcome(
  action: 'reject' | 'defer',
  values: OutcomeReader,
  { ofRefusals }: OutcomeContext,
): RefusalOutcome {
  const defaults = REPLY_TEXTS[action]
  const reply = withoutCode(values)
  // RFC 3463 section 2
  const [, status, rest] = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+(.*))?$/s.exec(reply ?? '') ?? []
  const text = values.template('reply', status === undefined ? reply : rest, REPLY_CHARACTERS)
  return {
    action,
    status: inClass(action, status ?? defaults.status),
    text: text ?? { parts: [defaults.text] },
    ...(ofRefusals && action === 'reject' && !values.has('reply') && { isRefusalsOwn: true }),
  }
}

/** RFC 5321 section 4.2.1: a reply code, which depends on the action. */
function withoutCode(values: OutcomeReader): string | undefined {
  const reply = values.text('reply')
  const code = /^[245]\d\d(?=[ -])/.exec(reply ?? '')?.[0]
  if (code === undefined) return reply
  values.warn('reply', `begins with the code ${code}, which is left out: it depends on the action`)
  return reply?.slice(code.length + 1).trim()
}

/** RFC 3464 section 2.3.6: a diagnostic opens with its type. */
export function withDiagnosticType(text: string): string {
  return /^[A-Za-z0-9-]+;/.test(text) ? text : `smtp; ${text}`
}
