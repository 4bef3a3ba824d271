// Makes rules to be measured, as an administrator would write them: any number of each kind, none of which holds for a
// sample mail. Throws if the policy compiler finds a fault.

import { type ActiveConfig, compileActiveConfig } from '../src/app/active-config'
import { formatDiagnostic } from '../src/config/diagnostics'
import { snapshotSources } from '../src/config/sources'
import { pseudoRandom, word } from './text'

/** In mode observe the mail is evaluated without the queue. */
const SETTINGS = '[main]\nmode = observe\n[relay]\ntrusted = 192.0.2.1\n'
/** The name of the rule that decides. */
export const DECIDING = 'deciding'

export type Kind = 'address' | 'header' | 'body' | 'refusal'

/** A condition that no sample mail meets; equal numbers give equal ones. */
const CONDITIONS: Record<Kind, (number: number) => string> = {
  address: number =>
    number % 2 === 0 ? `recipient = gone${number}@example.com` : `sender = @spam${number}.example`,
  header: number => `subject = ${number % 2 === 0 ? glob(number) : regex(number)}`,
  body: number => `body = ${number % 2 === 0 ? glob(number) : regex(number)}`,
  refusal: number => `refused.by = refuser${number}\nsubject = *`,
}

/** Holds for all sample mails. */
const HOLDING: Record<Kind, string> = {
  address: 'recipient = @example.com',
  header: 'subject = *',
  body: 'body = *',
  refusal: 'refused.by = *',
}

/** `count` rules of a kind. `decides`: the place of the rule that holds. */
export function rulesOf(kind: Kind, count: number, decides: 'first' | 'last' | 'none' = 'last'): string {
  const others = Array.from({ length: decides === 'none' ? count : count - 1 }, (_, number) =>
    rule(`${kind}-${number}`, CONDITIONS[kind](number)),
  )
  const deciding = decides === 'none' ? [] : [rule(DECIDING, HOLDING[kind])]
  return (decides === 'first' ? [...deciding, ...others] : [...others, ...deciding]).join('\n')
}

export function rule(name: string, ...conditions: string[]): string {
  return [`[${name}]`, ...conditions, 'action = quarantine', ''].join('\n')
}

/** A word that many mails have, and a text that none has: alternately as one part and as two. */
function glob(number: number): string {
  return `*${word(pseudoRandom(number))}${number % 4 === 0 ? '*' : ' '}zq${number}*`
}

/** Many mails have the letters before the number, none has the number. */
function regex(number: number): string {
  const pick = pseudoRandom(number)
  return `/\\b${word(pick)} (?:${word(pick)}|${word(pick)}) \\d*${number}zq/`
}

export function compiled(rules: string, lists: Readonly<Record<string, string>> = {}): ActiveConfig {
  const { value, diagnostics } = compileActiveConfig(
    snapshotSources({
      'ses-bounce.ini': SETTINGS,
      'ses-bounce-rules.ini': rules,
      host_list: 'example.com\n',
      me: 'mx.example.com\n',
      ...lists,
    }),
    {},
  )
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(formatDiagnostic).join('\n'))
  return value
}
