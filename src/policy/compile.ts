// Compiles the rules file into a policy: sections become rules, their keys conditions and outcomes.
// Never throws; returns all faults at once. With an error among them the policy must not be used.

import type { Diagnostic } from '../config/diagnostics'
import type { IniEntry, IniFile, IniSection } from '../config/ini'
import { splitItems } from '../config/items'
import { SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import { addressKey, domainOf } from '../mail/address'
import type { AsciiDomain } from '../units'
import type { Accounts } from './accounts'
import { AddressPatterns } from './address-patterns'
import { bounceSenderFault, bounceSenders } from './bounce'
import { compiledItems, isRefusalKey, unknownKey, warnOfItems } from './condition-checks'
import { findField, type Phase } from './fields'
import { isRoleAddress } from './guards'
import { compileOutcome } from './outcome'
import { isOutcomeKey } from './outcome-keys'
import type { Reporter } from './outcome-reader'
import { PatternCompiler } from './patterns'
import { checkRefusalOutcomes, warnOfRefusalRule, warnOfUnreachable } from './refusal-rule-checks'
import type { Condition, Policy, Rule } from './rule'
import { RuleIndex } from './rule-index'
import { type OwnDomainNames, suspicionOfLists } from './suspect-patterns'
import { warnOfExcluded } from './suspect-rules'
import { ADDRESS_NAMES, parseTemplate, type Template, type TemplateName } from './templates'

export interface PolicyContext {
  settings: Settings
  /** `dns; name` */
  reportingMta: string
  /** The text of a list in Haraka's config directory; undefined: there is no such file. */
  lists(name: string): string | undefined
  accounts: Accounts
  /** Domains that SES receives for, those that are named one by one. */
  domains?: readonly string[]
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor(domain: AsciiDomain): boolean
  /** Whether a domain of ours belongs to the same organisation as this one. */
  isOfOwnOrganisation(domain: AsciiDomain): boolean
}

/** Cheap conditions are checked first; otherwise conditions keep their order. */
const COST: Record<Phase, number> = { envelope: 0, refusal: 0, receipt: 0, header: 1, results: 1, content: 2 }

/** `diagnostics`: in the order of the file's lines, then those of lists; without `ini.diagnostics`. */
export function compilePolicy(
  ini: IniFile,
  context: PolicyContext,
): { policy: Policy; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = []
  const report = (diagnostic: Diagnostic): number => diagnostics.push(diagnostic)
  const compiled = new RuleCompiler(ini, context, report).compile()
  const { settings } = context
  const policy: Policy = {
    ...compiled,
    index: new RuleIndex(compiled.rules.filter(({ ofRefusals }) => !ofRefusals)),
    refusalIndex: new RuleIndex(compiled.rules.filter(({ ofRefusals }) => ofRefusals)),
    opensArchives: compiled.rules.some(({ conditions }) =>
      conditions.some(({ field }) => field.name === 'attachment.archive'),
    ),
    hidden: settings.refusals.hidden,
    regions: settings.ses.regions,
    window: settings.window,
    ...(settings.limit.perSender && { perSender: settings.limit.perSender }),
    ...(settings.limit.perSenderDomain && { perSenderDomain: settings.limit.perSenderDomain }),
    fallback: settings.fallback,
    ...(settings.ses.bounceSenderArn !== undefined && { bounceSenderArn: settings.ses.bounceSenderArn }),
    accounts: context.accounts,
    reportingMta: context.reportingMta,
    receivesFor: domain => context.receivesFor(domain),
    isOfOwnOrganisation: domain => context.isOfOwnOrganisation(domain),
    labelSeparator: settings.relay.labelSeparator,
  }
  const rank = (diagnostic: Diagnostic): number =>
    diagnostic.file === ini.file ? diagnostic.line : Number.POSITIVE_INFINITY
  diagnostics.sort((a, b) => (rank(a) < rank(b) ? -1 : Number(rank(a) > rank(b))))
  return { policy, diagnostics }
}

class RuleCompiler {
  readonly #ini: IniFile
  readonly #settings: Settings
  readonly #report: (diagnostic: Diagnostic) => void
  readonly #patterns: PatternCompiler
  readonly #bounceSender: Template
  readonly #ours: OwnDomainNames
  /** The sections in which the ini reader found faults. */
  readonly #faulty: ReadonlySet<string | undefined>

  constructor(ini: IniFile, context: PolicyContext, report: (diagnostic: Diagnostic) => void) {
    this.#ini = ini
    this.#faulty = new Set(
      ini.diagnostics.filter(({ severity }) => severity === 'error').map(({ section }) => section),
    )
    this.#settings = context.settings
    this.#report = report
    this.#ours = {
      domains: context.domains ?? [],
      isOurs: domain => context.receivesFor(domain),
    }
    this.#patterns = new PatternCompiler(name => context.lists(name), report)
    this.#bounceSender = this.#standardBounceSender()
  }

  compile(): Pick<Policy, 'rules' | 'bounceSenders' | 'searches'> {
    const rules: Rule[] = []
    let catchAll: IniSection | undefined
    for (const section of this.#ini.sections) {
      const say = this.#reporter(section)
      if (section.implied) {
        say.error(
          section.line,
          'these lines belong to no rule; write a section name such as [unknown-mailbox] above them',
        )
        continue
      }
      if (catchAll && !section.entries.some(({ key }) => isRefusalKey(key))) {
        const { name, line } = catchAll
        say.warn(
          section.line,
          `this rule can never be reached: [${name}] in line ${line} holds for every mail`,
        )
      }
      const rule = this.#rule(section, say)
      if (rule === undefined) continue
      if (rule.ofRefusals) warnOfRefusalRule(rule, say)
      warnOfExcluded(rule, say)
      if (rule.outcome.action === 'bounce' && rule.mode === 'enforce' && rule.conditions.length === 0)
        say.warn(
          section.line,
          'this rule has no condition: it bounces all mail that no rule above it decides',
        )
      rules.push(rule)
      if (rule.mode === 'enforce' && rule.conditions.length === 0) catchAll ??= section
    }
    const compiled = {
      rules,
      bounceSenders: sendersOf(rules, this.#bounceSender),
      searches: this.#patterns.searches,
    }
    const { labelSeparator } = this.#settings.relay
    warnOfUnreachable(rules, rule => this.#reporter(rule))
    for (const rule of rules) warnOfNamed(rule, { ...compiled, labelSeparator }, this.#reporter(rule))
    return compiled
  }

  #rule(section: IniSection, say: RuleReporter): Rule | undefined {
    const { name, line } = section
    const conditions = section.entries
      .filter(({ key }) => !isOutcomeKey(key))
      .map(entry => this.#condition(entry, say))
      .filter(condition => condition !== undefined)
      .toSorted((a, b) => COST[a.field.phase] - COST[b.field.phase])
    const outcomeEntries = section.entries.filter(({ key }) => isOutcomeKey(key))
    const { guard } = this.#settings
    const ofRefusals = section.entries.some(({ key }) => isRefusalKey(key))
    if (ofRefusals) checkRefusalOutcomes(outcomeEntries, say)
    const compiled = compileOutcome(section, outcomeEntries, {
      bounceSender: this.#bounceSender,
      guard,
      ofRefusals,
      ...say,
    })
    if (compiled === undefined || say.failed()) return undefined
    return { name, line, ...compiled, ofRefusals, conditions, named: namedRecipients(conditions) }
  }

  #condition(entry: IniEntry, say: RuleReporter): Condition | undefined {
    const { key, value, line } = entry
    const negated = key.startsWith('not.')
    const found = findField(negated ? key.slice('not.'.length) : key)
    if (found === undefined) return say.error(line, unknownKey(key, negated))
    const { field, member } = found
    const { items, fault } = splitItems(value)
    if (fault !== undefined) return say.error(line, `"${key}" can't be read: ${fault}`)
    if (items.length === 0) return say.error(line, `"${key}" needs a value`)
    const { matcher, count } = this.#patterns.compile(
      field.kind,
      field.name + member.toLowerCase(),
      compiledItems(found, negated, items, line, say),
      wrong => say.error(line, wrong),
      field.matchesLabels ? this.#settings.relay.labelSeparator : '',
    )
    if (count === 0 && negated) {
      say.error(
        line,
        `the list is empty, so that "${key}" would hold for every mail; remove the line if that is meant`,
      )
    }
    warnOfItems(field, items, this.#ours, line, say)
    const ofLists = suspicionOfLists(field, matcher.lists, this.#ours)
    if (ofLists !== undefined) say.warn(line, ofLists)
    return { key, negated, line, value, field, member, matcher }
  }

  #standardBounceSender(): Template {
    const { template, faults } = parseTemplate(this.#settings.ses.bounceSender, ADDRESS_NAMES)
    const wrong = faults[0] ?? bounceSenderFault(template)
    if (wrong !== undefined) {
      const message = `"bounce_sender" can't be used: ${wrong}`
      this.#report({ severity: 'error', file: SETTINGS_FILE, line: 0, section: 'ses', message })
    }
    return template
  }

  #reporter(section: Pick<IniSection, 'name'>): RuleReporter {
    const place = { file: this.#ini.file, section: section.name }
    let failed = this.#faulty.has(section.name)
    return {
      error: (line, message) => {
        failed = true
        this.#report({ severity: 'error', ...place, line, message })
      },
      warn: (line, message) => this.#report({ severity: 'warning', ...place, line, message }),
      failed: () => failed,
    }
  }
}

interface RuleReporter extends Reporter {
  error(line: number, message: string): undefined
  /** Whether there was an error in the section. */
  failed(): boolean
}

function namedRecipients(conditions: readonly Condition[]): Set<string> {
  const named = new Set<string>()
  for (const { field, negated, matcher } of conditions) {
    if (negated || !field.perRecipient || !(matcher.own instanceof AddressPatterns)) continue
    for (const key of matcher.own.named()) named.add(key)
  }
  return named
}

/** Each sender once, as most rules have that of [ses]. */
function sendersOf(rules: readonly Rule[], byDefault: Template): Template[] {
  const own = rules.flatMap(({ outcome }) => (outcome.action === 'bounce' ? [outcome.sender] : []))
  return [...new Map([byDefault, ...own].map(one => [JSON.stringify(one), one])).values()]
}

/** Warns of recipients that a rule names although a guard or a standard protects them from bounces. */
function warnOfNamed(
  rule: Rule,
  policy: Pick<Policy, 'bounceSenders' | 'labelSeparator'>,
  say: RuleReporter,
): void {
  const { outcome } = rule
  if (outcome.action !== 'bounce') return
  for (const key of rule.named) {
    const ofRecipient = (name: TemplateName) => (name === 'recipient.domain' ? (domainOf(key) ?? '') : '')
    if (bounceSenders(policy, ofRecipient).some(sender => addressKey(sender) === key))
      say.warn(rule.line, `"${key}" is a bounce sender: mail to it is never bounced, whatever this rule says`)
    else if (isRoleAddress(key, outcome.guard.role_addresses, policy.labelSeparator))
      say.warn(
        rule.line,
        `"${key}" would be bounced, but it is a role address, which must accept mail (RFC 5321 section 4.5.1)`,
      )
  }
}
