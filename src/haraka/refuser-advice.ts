// For `check` alone: plugins in config/plugins that refuse mail before the rules see it, so that only the relay learns of
// it, and what to do about each. Silent about those whose refusals a rule turns into something else, and about plugins
// that know recipients (before-rules.ts). Pure.

import type { Diagnostic } from '../config/diagnostics'
import { quoted } from '../config/value-parsers'
import { REFUSAL_STAGES } from '../mail/refusal'
import { mayMean } from '../policy/refusal-naming'
import type { Rule } from '../policy/rule'
import { PLUGINS_FILE, pluginLines } from './plugin-list'

/** The plugin's effect on mail of the relay, and a remedy. Undefined: it refuses no mail, or there is no remedy. */
function adviceFor(name: string): string | undefined {
  if (Object.hasOwn(ADVICE, name)) return ADVICE[name]
  if (CONTENT.has(name)) return `refuses mail for its content; ${turned(name)}`
  return undefined
}

/** The rule that makes a bounce of the plugin's refusals. */
function turned(name: string): string {
  return `a rule with refused.by = ${name} bounces it in place of that`
}

/** Each refuses by DENY at DATA or at the end of the mail, by its own files in node_modules/haraka-plugin-NAME. */
const CONTENT: ReadonlySet<string> = new Set([
  'attachment',
  'avg',
  'clamd',
  'dcc',
  'dkim',
  'esets',
  'headers',
  'messagesniffer',
  'rspamd',
  'spamassassin',
  'uribl',
])

const JUDGES = 'judges the relay, and not the host that gave the mail to SES'

/** By the name under which Haraka loads the plugin; from the plugins' own code and settings. */
const ADVICE: Readonly<Record<string, string>> = {
  access: `refuses by its lists at CONNECT, HELO, MAIL and RCPT; put the relay into its lists of hosts that may pass, and ${turned('access')} at MAIL and RCPT`,
  bounce: `refuses mail with the null sender that seems forged or isn't wanted; ${turned('bounce')} by another action, as such mail is never bounced`,
  'dns-list': `${JUDGES}: a relay on a DNS list can't deliver at all; take it out, or set reject = false for each list in dns-list.ini`,
  fcrdns: `${JUDGES}: a relay without a name in DNS can't deliver at all; set [reject] to false in fcrdns.ini`,
  greylist:
    'refuses each new sender for now, and the relay must try again: time of the 24 hours is lost; put the relay into [ip_whitelist] of greylist.ini',
  'helo.checks': `${JUDGES}, by its HELO; set [reject] to false in helo.checks.ini, or let the relay log in`,
  karma: `${JUDGES}: it refuses a relay that has handed over much spam, with all its mail; take it out where all mail comes from SES`,
  'mail_from.is_resolvable': `refuses senders whose domain has no mail server, who could get no bounce either; a rule with refused.by = mail_from.is_resolvable, and action = drop or quarantine, keeps the relay from trying again`,
  spf: `${JUDGES}: SPF fails for each sender behind a relay; set [deny] to false in spf.ini, and take SES's own result by verdict.spf`,
}

/** `rules`: all of the policy. Nothing is said without a rule, as nothing is to be bounced then. */
export function refuserAdvice(rules: readonly Rule[], pluginsText: string): Diagnostic[] {
  if (rules.length === 0) return []
  return pluginLines(pluginsText).flatMap(({ name, written, line }) => {
    const advice = adviceFor(name)
    if (advice === undefined || isTurned(rules, name)) return []
    const shown = written === name ? quoted(name) : `${quoted(written)} (${name})`
    return [{ severity: 'warning', file: PLUGINS_FILE, line, message: `${shown} ${advice}` }]
  })
}

function isTurned(rules: readonly Rule[], by: string): boolean {
  return rules.some(
    rule =>
      rule.mode === 'enforce' &&
      rule.outcome.action !== 'reject' &&
      REFUSAL_STAGES.some(stage => mayMean(rule, { by, stage })),
  )
}
