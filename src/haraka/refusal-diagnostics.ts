// Checks Haraka's own files for rules about refusals: plugins that aren't loaded, queue plugins that mix up recipients
// or give several of them one answer, time limits. Warns only where there is such a rule. Never throws; a missing file
// is no warning.

import type { Diagnostic } from '../config/diagnostics'
import { type IniEntry, parseIni } from '../config/ini'
import { SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import type { Sources } from '../config/sources'
import { quoted } from '../config/value-parsers'
import { NOBODY, OUTBOUND } from '../mail/refusing-plugins'
import { namesPlainly } from '../policy/patterns'
import { mayMean, namedRefusers } from '../policy/refusal-naming'
import type { Policy, Rule } from '../policy/rule'
import { PLUGINS_FILE, type PluginLine, pluginLines } from './plugin-list'

const OUTBOUND_FILE = 'outbound.ini'
const TIMEOUT_FILES = ['ses-bounce.timeout', 'plugin_timeout']

const SMTP_FORWARD = 'queue/smtp_forward'
const LMTP = 'queue/lmtp'
const DELAY_DENY = 'delay_deny'

const LUMPED = `${SMTP_FORWARD} refuses several recipients at once: [delivery] split`

/** A delivery that failed is decided within two thirds of Haraka's limit: the queue's file may be locked for some seconds. */
const SHORTEST_LIMIT_S = 10

interface Subject {
  /** About refusals. */
  rules: readonly Rule[]
  loaded: readonly PluginLine[]
  settings: Pick<Settings, 'delivery'>
  sources: Sources
}

/** `rulesFile`: the name of the file in which the rules are. */
export function refusalDiagnostics(
  policy: Pick<Policy, 'rules'>,
  settings: Pick<Settings, 'delivery'>,
  sources: Sources,
  rulesFile: string,
): Diagnostic[] {
  const rules = policy.rules.filter(({ ofRefusals }) => ofRefusals)
  if (rules.length === 0) return []
  const text = sources.read(PLUGINS_FILE)
  const subject = { rules, loaded: pluginLines(text ?? ''), settings, sources }
  return [
    ...(text === undefined ? [] : notLoaded(subject, rulesFile)),
    ...delayed(subject),
    ...lumped(subject),
    ...mixedUp(subject),
    ...timeLimit(subject),
  ]
}

function notLoaded({ rules, loaded }: Subject, file: string): Diagnostic[] {
  const known = new Set([NOBODY, OUTBOUND, ...loaded.map(({ name }) => name.toLowerCase())])
  return rules.flatMap(rule =>
    namedRefusers(rule)
      .filter(({ name }) => !known.has(name.toLowerCase()))
      .map(({ name, line }) => ({
        severity: 'warning' as const,
        file,
        line,
        section: rule.name,
        message: `no line of config/plugins says ${quoted(name)}`,
      })),
  )
}

function delayed({ loaded }: Subject): Diagnostic[] {
  const message = `"${DELAY_DENY}" refuses at RCPT for plugins that refused before MAIL FROM; its refusals always stand`
  return lineOf(loaded, DELAY_DENY).map(line => warning(PLUGINS_FILE, line, message))
}

/** Haraka's smtp_forward stops at the first refusal, and gives one answer for all recipients. */
function lumped({ rules, loaded, settings, sources }: Subject): Diagnostic[] {
  const isAsked = rules.some(
    rule => rule.mode === 'enforce' && mayMean(rule, { by: SMTP_FORWARD, stage: 'queue' }),
  )
  if (settings.delivery.split !== 'false' || lineOf(loaded, SMTP_FORWARD).length === 0 || !isAsked) return []
  const line = entryOf(sources, SETTINGS_FILE, 'delivery', 'split')?.line ?? 0
  return [{ severity: 'warning', file: SETTINGS_FILE, line, section: 'delivery', message: LUMPED }]
}

/**
 * For `check` alone, where a rule asks for the stage: the warning as an error. At boot it stops nothing, as such mail is
 * quarantined.
 */
export function asSplitErrors(
  diagnostics: readonly Diagnostic[],
  { rules }: Pick<Policy, 'rules'>,
): Diagnostic[] {
  const rule = rules.find(
    ({ mode, conditions }) =>
      mode === 'enforce' &&
      conditions.some(
        ({ field, negated, matcher }) =>
          field.name === 'refused.stage' &&
          !negated &&
          ['queue', 'delivery'].some(stage => namesPlainly(matcher, stage)),
      ),
  )
  if (rule === undefined) return [...diagnostics]
  const message = `${LUMPED} = false, so that [${rule.name}] can't tell which it means; auto or true delivers to each by itself`
  return diagnostics.map(one => (one.message === LUMPED ? { ...one, severity: 'error', message } : one))
}

/** Haraka's outbound/hmail.js puts the refusal of one recipient on another, unless each has a delivery of their own. */
function mixedUp({ rules, loaded, sources }: Subject): Diagnostic[] {
  const [line] = lineOf(loaded, LMTP)
  const isAsked = rules.some(rule => mayMean(rule, { by: OUTBOUND, stage: 'delivery' }))
  const value = entryOf(sources, OUTBOUND_FILE, 'main', 'always_split')?.value ?? ''
  // haraka-config: the words for yes
  if (line === undefined || !isAsked || /^(?:true|yes|ok|enabled|on|1)$/i.test(value.trim())) return []
  return [warning(PLUGINS_FILE, line, 'lmtp: Haraka mixes up recipients: outbound.ini always_split = true')]
}

function timeLimit({ rules, sources }: Subject): Diagnostic[] {
  if (!rules.some(rule => mayMean(rule, { by: OUTBOUND, stage: 'delivery' }))) return []
  // Haraka's plugins.js, get_timeout: the first that is a number
  for (const file of TIMEOUT_FILES) {
    const seconds = Number.parseFloat(sources.read(file) ?? '')
    if (Number.isNaN(seconds)) continue
    if (seconds >= SHORTEST_LIMIT_S) return []
    const why =
      seconds <= 0
        ? 'without a time limit a plugin that hangs holds its mail for ever'
        : 'too short a time to decide about a delivery that failed'
    return [warning(file, 1, `${file} ${seconds}: ${why}; write ${SHORTEST_LIMIT_S} or more`)]
  }
  return []
}

function lineOf(loaded: readonly PluginLine[], plugin: string): number[] {
  return loaded.filter(({ name }) => name === plugin).map(({ line }) => line)
}

function entryOf(sources: Sources, file: string, section: string, key: string): IniEntry | undefined {
  return parseIni(file, sources.read(file) ?? '')
    .sections.filter(({ name }) => name === section)
    .flatMap(({ entries }) => entries)
    .findLast(entry => entry.key === key)
}

function warning(file: string, line: number, message: string): Diagnostic {
  return { severity: 'warning', file, line, message }
}
