// The output of `ses-bounce check`: lines for people, or one JSON object for programs.
// Pure. The caller escapes control characters of the files.

import { type ActiveConfig, RULES_FILE } from '../app/active-config'
import { type Diagnostic, formatDiagnostic } from '../config/diagnostics'
import { SETTINGS_FILE } from '../config/load'
import type { Sources } from '../config/sources'
import { jsonText } from '../json'
import { namedRefusers } from '../policy/refusal-naming'
import type { Policy } from '../policy/rule'
import { allAnswers, type Online } from './online/online'

/** A line for each diagnostic, and a summary; without an error also a summary of the configuration. */
export function report(
  diagnostics: readonly Diagnostic[],
  activeConfig: ActiveConfig,
  sources: Sources,
): string[] {
  const lines = diagnostics.map(diagnostic =>
    formatDiagnostic(
      isError(diagnostic) ? diagnostic : { ...diagnostic, message: `warning: ${diagnostic.message}` },
    ),
  )
  const errors = diagnostics.filter(isError).length
  const warnings = diagnostics.length - errors
  const counts = [...some(errors, 'error'), ...some(warnings, 'warning')].join(', ')
  return [
    ...lines,
    errors > 0 ? counts : [...some(warnings, 'warning'), summary(activeConfig, sources)].join('; '),
  ]
}

/** A summary of the configuration, which shows whether the right files were read. */
function summary({ idle, settings, policy, lists }: ActiveConfig, sources: Sources): string {
  const relays = settings.relay.trusted.length + settings.relay.authUsers.length
  const absent = [SETTINGS_FILE, RULES_FILE].filter(name => sources.read(name) === undefined)
  return [
    idle ? 'idle, as no relay is trusted ([relay] trusted)' : `fine: mode ${settings.main.mode}`,
    ...(idle ? [] : [count(relays, 'trusted relay')]),
    ...some(settings.accounts.length, 'account'),
    count(policy.rules.length, 'rule'),
    count(lists.size, 'list'),
    ...refusers(policy),
    ...absent.map(name => `no ${name}`),
  ].join(', ')
}

/** `refusals of 3 plugins`, by the names in refused.by; `refusals of any plugin`. */
function refusers({ rules }: Policy): string[] {
  const ofRefusals = rules.filter(rule => rule.ofRefusals)
  const names = new Set(ofRefusals.flatMap(namedRefusers).map(({ name }) => name))
  if (ofRefusals.length === 0) return []
  return [`refusals of ${names.size === 0 ? 'any plugin' : count(names.size, 'plugin')}`]
}

/** `2 errors`, or nothing. */
export function some(number: number, what: string): string[] {
  return number === 0 ? [] : [count(number, what)]
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

/** `online`. Undefined: AWS wasn't asked. */
export function jsonReport(diagnostics: readonly Diagnostic[], online?: Online): string {
  const errors = diagnostics.filter(isError).map(withoutSeverity)
  const warnings = diagnostics.filter(diagnostic => !isError(diagnostic)).map(withoutSeverity)
  const ok = errors.length === 0 && !(online && hasError(online))
  return jsonText({ errors, warnings, ok, ...(online && { online }) })
}

function withoutSeverity({ file, line, section, message }: Diagnostic): Omit<Diagnostic, 'severity'> {
  return { file, line, ...(section !== undefined && { section }), message }
}

export function isError({ severity }: Diagnostic): boolean {
  return severity === 'error'
}

export function hasError(online: Online): boolean {
  return allAnswers(online).some(({ result }) => result === 'error')
}
