// Warns when Haraka's own configuration refuses, changes or hands on mail before the rules see it: only the relay learns of such a
// refusal, and the sender gets no bounce. Warns only where a rule is affected. Never throws; a missing file is no
// warning.

import type { Diagnostic } from '../config/diagnostics'
import { parseIni } from '../config/ini'
import type { Sources } from '../config/sources'
import { quoted } from '../config/value-parsers'
import { formatSize } from '../config/values'
import { DATA_LINE_LENGTH } from '../mail/broken-lines'
import { RECIPIENT_PLUGIN } from '../mail/refusing-plugins'
import { SYNC_ONLY } from '../policy/match-budget'
import { matches } from '../policy/patterns'
import { mayMean } from '../policy/refusal-naming'
import type { Condition, Policy, Rule } from '../policy/rule'
import { Subject } from '../policy/subject'
import { PLUGINS_FILE, type PluginLine, pluginLines } from './plugin-list'

export const CONNECTION_FILE = 'connection.ini'

/** SES developer guide, service quotas for email receiving: 40 MB with the header. The rest is for lines that hops add. */
export const LARGEST_BYTES = 46_000_000

/** RFC 5321 section 4.5.3.1.6: the most bytes of a line with its end. */
const LINE_BYTES = 1000
/** A line that begins with a dot has one more on the wire (RFC 5321 section 4.5.2). */
const LINE_ADVICE = LINE_BYTES + 1

/** Accepts every recipient at a domain in host_list; plugins below it aren't asked about them. */
const TAKES_ALL = 'rcpt_to.in_host_list'

/** Hands recipients on before the mail is there. */
const SMTP_PROXY = 'queue/smtp_proxy'

export function refusedBeforeRules({ rules }: Policy, sources: Sources): Diagnostic[] {
  const bounces = rules.filter(({ outcome, ofRefusals }) => outcome.action === 'bounce' && !ofRefusals)
  return [
    ...byRecipient(bounces, rules, sources),
    ...bySize(bounces, sources),
    ...byProxy(rules, sources),
    ...byBrokenLines(rules, sources),
  ]
}

/** Haraka's connection.js, _process_data: breaks a longer line by a line end and a blank, even within a word. */
function byBrokenLines(rules: readonly Rule[], sources: Sources): Diagnostic[] {
  const rule = rules.find(({ conditions }) => conditions.some(({ field }) => field.name === 'body'))
  const text = sources.read(CONNECTION_FILE)
  if (rule === undefined || text === undefined) return []
  const entry = maxEntry(text, 'data_line_length')
  // as in Haraka: 0, or a text that isn't a number, means the default
  const bytes = (/^\d{1,15}$/.test(entry?.value ?? '') && Number(entry?.value)) || DATA_LINE_LENGTH
  if (bytes >= LINE_BYTES) return []
  const message = `Haraka breaks lines over ${bytes - 2} bytes, within words and links too, so that [${rule.name}] may not find them in the body; data_line_length = ${LINE_ADVICE} keeps every valid line whole`
  return [{ severity: 'warning', file: CONNECTION_FILE, line: entry?.line ?? 0, section: 'max', message }]
}

/** Haraka's smtp_proxy.js, hook_rcpt_ok: its server has heard of a recipient before the rules see the mail. */
function byProxy(rules: readonly Rule[], sources: Sources): Diagnostic[] {
  const rule = rules.find(
    one =>
      one.mode === 'enforce' &&
      !one.ofRefusals &&
      one.outcome.action !== 'accept' &&
      one.conditions.some(asksRecipient),
  )
  if (rule === undefined) return []
  return pluginLines(sources.read(PLUGINS_FILE) ?? '')
    .filter(({ name }) => name === SMTP_PROXY)
    .map(({ written, line }) => ({
      severity: 'warning',
      file: PLUGINS_FILE,
      line,
      message: `${quoted(written)} tells its server of each recipient at RCPT, so that the server delivers a mail for several also to those that [${rule.name}] is about; queue/smtp_forward doesn't`,
    }))
}

function byRecipient(bounces: readonly Rule[], rules: readonly Rule[], sources: Sources): Diagnostic[] {
  const rule = bounces.find(singlesOutRecipients)
  if (rule === undefined) return []
  return recipientPlugins(sources.read(PLUGINS_FILE) ?? '', rules).map(({ name, written, line }) => ({
    severity: 'warning',
    file: PLUGINS_FILE,
    line,
    message: `${quoted(written)} may refuse recipients before the rules see them; let it accept those that [${rule.name}] bounces, or add a rule with refused.by = ${name}`,
  }))
}

/** Whether its conditions name single mailboxes, and not only a domain. */
function singlesOutRecipients({ conditions }: Rule): boolean {
  const [some, others] = [conditions.filter(asksRecipient), conditions.filter(one => !asksRecipient(one))]
  return some.some(({ negated }) => negated) || (some.length > 0 && others.length === 0)
}

function asksRecipient({ field }: Condition): boolean {
  return field.perRecipient
}

/** The plugins above the one that accepts all, without those whose refusals a rule may turn into something else. */
function recipientPlugins(text: string, rules: readonly Rule[]): PluginLine[] {
  const plugins = pluginLines(text)
  const end = plugins.findIndex(({ name }) => name === TAKES_ALL)
  const isTurned = (by: string) =>
    rules.some(
      rule =>
        rule.mode === 'enforce' && rule.outcome.action !== 'reject' && mayMean(rule, { by, stage: 'rcpt' }),
    )
  return plugins
    .slice(0, end < 0 ? undefined : end)
    .filter(({ name }) => RECIPIENT_PLUGIN.test(name) && !isTurned(name))
}

function bySize(bounces: readonly Rule[], sources: Sources): Diagnostic[] {
  if (!bounces.some(({ conditions }) => conditions.some(asksSize))) return []
  const limit = largestAccepted(sources.read(CONNECTION_FILE) ?? '')
  if (limit === undefined || limit.bytes >= LARGEST_BYTES) return []
  const refused = [limit.bytes + 1, LARGEST_BYTES].map(bytes => new Subject(bytes))
  const rule = bounces.find(({ conditions }) => {
    const sizes = conditions.filter(asksSize)
    return (
      sizes.length > 0 &&
      refused.some(size =>
        sizes.every(({ matcher, negated }) => matches(matcher, size, SYNC_ONLY) !== negated),
      )
    )
  })
  if (rule === undefined) return []
  const message = `Haraka refuses mail over ${formatSize(limit.bytes)} before [${rule.name}] can bounce it; bytes = ${LARGEST_BYTES} allows all mail that SES accepts`
  return [{ severity: 'warning', file: CONNECTION_FILE, line: limit.line, section: 'max', message }]
}

function asksSize({ field }: Condition): boolean {
  return field.name === 'size'
}

/** Haraka's connection.js: with 0, or a text that isn't a number, there is no limit. */
export function largestAccepted(text: string): { bytes: number; line: number } | undefined {
  const entry = maxEntry(text, 'bytes')
  if (entry === undefined || !/^\d{1,15}$/.test(entry.value) || Number(entry.value) === 0) return undefined
  return { bytes: Number(entry.value), line: entry.line }
}

function maxEntry(text: string, wanted: string) {
  return parseIni(CONNECTION_FILE, text)
    .sections.filter(({ name }) => name === 'max')
    .flatMap(({ entries }) => entries)
    .findLast(({ key }) => key === wanted)
}
