// The checks of a rule about refusals, by the rule alone. Never throws; each fault is reported at its line.

import { didYouMean, validAre } from '../config/diagnostics'
import type { IniEntry } from '../config/ini'
import { type Item, splitItems } from '../config/items'
import { REFUSAL_STAGES } from '../mail/refusal'
import { alwaysStands, BY_NAME_ONLY, JUDGES_OF_RELAY, loadedName, NOBODY } from '../mail/refusing-plugins'
import { isGlob } from './glob'
import type { Reporter } from './outcome-reader'
import { namesPlainly } from './patterns'
import { meansRefuser } from './refusal-naming'
import type { Condition, Rule } from './rule'

/** The items of a condition on a refusal, as they are compiled: a plugin has the name under which Haraka loads it. */
export function refusalItems(
  name: string,
  negated: boolean,
  items: readonly Item[],
  line: number,
  say: Reporter,
): Item[] {
  return items.map(item => {
    const { text } = item
    if (item.form === 'regex' || text.startsWith('file:')) return item
    checkNumber(name, text, line, say)
    if (isGlob(text)) return item
    if (name === 'refused.stage') checkStage(text, line, say)
    if (name !== 'refused.by') return item
    const loaded = loadedName(text)
    if (loaded !== text) say.warn(line, `refused.by "${text}" is called "${loaded}" by this Haraka`)
    if (alwaysStands(loaded) && !negated) say.error(line, `refused.by = "${text}": its refusals always stand`)
    return { ...item, text: loaded }
  })
}

/** RFC 5321 section 4.2 and RFC 3463 section 2, with globs. */
const NUMBERS: Readonly<Record<string, { form: RegExp; right: string }>> = {
  'refused.code': { form: /^(?:\*|[45?](?:[\d?]{2}|[\d?]?\*))$/, right: 'a code as 550, or 55*' },
  'refused.status': {
    form: /^(?:[45?*](?:\.[\d?*]{1,3}){2}|[45?]?(?:\.[\d?*]{1,3})?(?:\.)?\*)$/,
    right: 'a status as 5.1.1, or 5.7.*',
  },
}

function checkNumber(name: string, text: string, line: number, say: Reporter): void {
  const number = NUMBERS[name]
  if (number !== undefined && !number.form.test(text))
    say.error(line, `"${name}" can't be "${text}"; write ${number.right}`)
}

function checkStage(text: string, line: number, say: Reporter): void {
  const stages: readonly string[] = REFUSAL_STAGES
  const word = text.toLowerCase()
  if (stages.includes(word)) return
  // the hooks of a stage begin with its name: rcpt_ok, data_post
  const ofHook = stages.find(stage => word.startsWith(`${stage}_`))
  const hint = ofHook === undefined ? didYouMean(text, stages) : `; did you mean "${ofHook}"?`
  const valid = validAre(stages)
  say.error(line, `unknown stage "${text}"${hint === '' ? valid : hint + valid.replace(/^;/, '')}`)
}

/** Mail that a plugin refused is never delivered. */
export function checkRefusalOutcomes(entries: readonly IniEntry[], say: Reporter): void {
  for (const { key, value, line } of entries) {
    const isWrong =
      (key === 'deliver' && /^\s*true\b/i.test(value)) ||
      (['action', 'fallback'].includes(key) && /^\s*accept\b/i.test(value))
    const what = key === 'deliver' ? key : `${key} = accept`
    if (isWrong) say.error(line, `"${what}" only goes with mail that nobody refused`)
  }
}

/** Once the rule is compiled. */
export function warnOfRefusalRule({ name, line, conditions, outcome }: Rule, say: Reporter): void {
  const of = (field: string) => conditions.filter(one => one.field.name === field && !one.negated)
  const named = (condition: Condition, word: string) => namesPlainly(condition.matcher, word)
  const isOfDelivery = of('refused.stage').some(one => named(one, 'delivery'))
  for (const condition of of('refused.code')) {
    const code = /(?<![\w*?])4(?:\d\d|\d?[*?]+)/.exec(condition.value)?.[0]
    if (code !== undefined && !isOfDelivery)
      say.warn(condition.line, `refused.code "${code}": what is refused for now always stands`)
  }
  const [result] = conditions.filter(({ field, negated }) => field.phase === 'results' && !negated)
  if (isOfDelivery && result) say.warn(result.line, `at delivery "${result.key}" matches nothing`)
  if (outcome.action !== 'bounce') return
  for (const condition of of('refused.by')) {
    for (const plugin of BY_NAME_ONLY.filter(one => named(condition, one))) {
      if (plugin === NOBODY && outcome.cap === undefined)
        say.warn(
          line,
          `[${name}] bounces what nobody took: a recipient plugin that fails looks the same; set cap`,
        )
      else if (JUDGES_OF_RELAY.includes(plugin))
        say.warn(condition.line, `"${plugin}" judges your relay, not the sender`)
      else if (plugin !== NOBODY)
        say.warn(condition.line, `"${plugin}" can't tell a refusal from a fault of the DNS`)
    }
  }
}

/** Warns of rules below one that holds for every refusal, but for those that a rule must name. */
export function warnOfUnreachable(rules: readonly Rule[], reporterOf: (rule: Rule) => Reporter): void {
  let catchAll: Rule | undefined
  for (const rule of rules.filter(({ ofRefusals }) => ofRefusals)) {
    if (catchAll && !BY_NAME_ONLY.some(by => meansRefuser(rule, { by }))) {
      const where = `[${catchAll.name}] in line ${catchAll.line}`
      reporterOf(rule).warn(
        rule.line,
        `this rule can never be reached: ${where} holds for every refusal that it is about`,
      )
    }
    if (rule.mode === 'enforce' && rule.conditions.every(isAnything)) catchAll ??= rule
  }
}

/** `refused.by = *`, or another of its keys. */
function isAnything({ field, negated, value }: Condition): boolean {
  return field.phase === 'refusal' && !negated && splitItems(value).items.some(isStar)
}

function isStar({ form, text }: Item): boolean {
  return form === 'plain' && text === '*'
}
