// The table of outcome keys: all lines of a rule that aren't conditions, with their values.
// Plain data: the checker, `check --explain`, the example rules and the reference page are made from it.

import { AUTHENTICATION_LEVELS, FALLBACK_ACTIONS, GUARD_FLAGS } from '../config/settings'
import { REPLY_TEXTS, TYPE_TEXTS } from './bounce-types'
import { ACTIONS, type Action, BOUNCE_TYPES } from './decision'
import { DIAGNOSTIC_CHARACTERS, EXPLANATION_CHARACTERS, REPLY_CHARACTERS } from './templates'

export const MODES = ['enforce', 'observe'] as const

export interface OutcomeKey {
  name: string
  /** The actions that the key is valid with. */
  actions: readonly Action[]
  /** Describes its values in a few words. */
  form: string
  /** The default, in the form of the file or in words; '': there is none. */
  default: string
  /** One line that can stand alone. */
  meaning: string
  example: string
  /** More for the reference. */
  note?: string
}

type Details = Omit<OutcomeKey, 'name' | 'actions'>

const GUARD_FORMS: readonly { name: string; form: string; example: string }[] = [
  ...GUARD_FLAGS.map(name => ({
    name,
    form: 'true or false',
    example: name === 'list_mail' ? 'true' : 'false',
  })),
  { name: 'role_addresses', form: 'local parts or addresses; empty: none', example: 'postmaster' },
  { name: 'authentication', form: AUTHENTICATION_LEVELS.join(', '), example: 'strict' },
]

export const OUTCOME_TABLE: readonly OutcomeKey[] = [
  key('action', ACTIONS, {
    form: ACTIONS.join(', '),
    default: '',
    meaning: 'the decision about the mail for this recipient; every rule needs it',
    example: 'bounce',
    note: 'accept: Haraka delivers it as usual. bounce: SES tells the sender, and the mail ends here. reject: 550 to the relay; the sender learns nothing. defer: 450, the relay tries again. quarantine: kept in ses-bounce/quarantine/. drop: accepted and deleted.',
  }),
  key('mode', ACTIONS, {
    form: MODES.join(' or '),
    default: 'enforce',
    meaning: 'observe: the rule is logged when it holds, and the rules below it decide',
    example: 'observe',
  }),
  ofBounce('bounce.type', {
    form: BOUNCE_TYPES.join(', '),
    default: 'Undefined',
    meaning: "SES's word for the kind of bounce; it brings a status and a text",
    example: 'DoesNotExist',
    note: `${BOUNCE_TYPES.map(name => `${name}: ${TYPE_TEXTS[name].status} ${TYPE_TEXTS[name].text}`).join('. ')}.`,
  }),
  ofBounce('bounce.status', {
    form: 'an enhanced status of class 4 or 5 (RFC 3463): 5.7.1',
    default: 'the one of the type',
    meaning: "status of the bounce, for the sender's mail server",
    example: '5.7.1',
  }),
  ofBounce('bounce.text', {
    form: `a text of at most ${EXPLANATION_CHARACTERS} characters of printable ASCII; may hold template names`,
    default: "SES's own words",
    meaning: 'the text of the bounce for the sender',
    example: 'We take no programs by mail. Please send a link.',
  }),
  ofBounce('bounce.diagnostic', {
    form: `a text of at most ${DIAGNOSTIC_CHARACTERS} characters of printable ASCII; may hold template names`,
    default: 'smtp; and code, status and text of the bounce',
    meaning: "the diagnostic of the bounce, one line for the sender's mail server",
    example: 'smtp; 550 5.7.1 No programs by mail',
  }),
  ofBounce('bounce.sender', {
    form: 'an address; may hold {recipient.domain} or {sender.domain}, or be {recipient}',
    default: '[ses] bounce_sender',
    meaning: "the sender of this rule's bounces: a verified identity",
    example: 'mailer-daemon@example.com',
  }),
  ofBounce('deliver', {
    form: 'true or false',
    default: 'false',
    meaning: 'true: bounce, and deliver the mail as well',
    example: 'true',
    note: "The mail is then also delivered when it can't be bounced, unless the rule has a fallback of its own.",
  }),
  ofBounce('fallback', {
    form: FALLBACK_ACTIONS.join(', '),
    default: 'the key of [fallback] for the reason',
    meaning: "the action when the bounce can't or mustn't be made, for every reason",
    example: 'quarantine',
  }),
  ofBounce('cap', {
    form: 'a number per minute, hour or day: 10/day',
    default: 'no limit',
    meaning: 'the most new bounces that this rule makes; further mail gets the fallback capped',
    example: '100/hour',
  }),
  key('reply', ['reject', 'defer'], {
    form: `a text of at most ${REPLY_CHARACTERS} characters of printable ASCII, optionally after a status; may hold template names`,
    default: `${REPLY_TEXTS.reject.status} ${REPLY_TEXTS.reject.text}; for defer ${REPLY_TEXTS.defer.status} ${REPLY_TEXTS.defer.text}`,
    meaning: 'the reply to the relay',
    example: '5.7.1 Not wanted here',
  }),
  ...GUARD_FORMS.map(({ name, form, example }) =>
    ofBounce(`guard.${name}`, {
      form: name === 'null_sender' ? 'true' : form,
      default: `as [guard] ${name}`,
      meaning: `[guard] ${name}, for this rule`,
      example: name === 'null_sender' ? 'true' : example,
    }),
  ),
]

export const OUTCOME_KEYS: readonly string[] = OUTCOME_TABLE.map(({ name }) => name)

const BY_NAME = new Map(OUTCOME_TABLE.map(one => [one.name, one]))

export function isOutcomeKey(name: string): boolean {
  return BY_NAME.has(name)
}

export function findOutcomeKey(name: string): OutcomeKey | undefined {
  return BY_NAME.get(name)
}

function key(name: string, actions: readonly Action[], details: Details): OutcomeKey {
  return { name, actions, ...details }
}

function ofBounce(name: string, details: Details): OutcomeKey {
  return key(name, ['bounce'], details)
}
