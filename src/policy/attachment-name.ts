// Finds the value of {attachment} in a rule's texts: the name of the attachment for which the rule holds.
// Rejects if the content can't be read.

import type { MailFacts } from '../mail/facts'
import { type MatchBudget } from './match-budget'
import { matches } from './patterns'
import type { Rule } from './rule'
import { subjectsOf } from './subject'
import { asksFor } from './templates'

export function asksAttachment({ outcome }: Rule): boolean {
  const templates =
    outcome.action === 'bounce' ? [outcome.text, outcome.diagnostic] : 'text' in outcome ? [outcome.text] : []
  return templates.some(template => asksFor(template, 'attachment'))
}

/** The first name, or file in an archive, that matches the rule's conditions, else the first name. '': there is no attachment. */
export async function attachmentName(
  { conditions }: Rule,
  facts: MailFacts,
  budget: MatchBudget,
): Promise<string> {
  const { attachments } = await budget.without(() => facts.content())
  const names = attachments.flatMap(attachment => attachment.names)
  const files = attachments.flatMap(attachment => attachment.files ?? [])
  for (const [key, values] of [
    ['attachment.name', names],
    ['attachment.archive', files],
  ] as const) {
    const asked = conditions.filter(({ field, negated }) => field.name === key && !negated)
    for (const value of asked.length > 0 ? values : []) {
      for (const { field, matcher } of asked) {
        for (const subject of subjectsOf(field, value))
          if (await matches(matcher, subject, budget)) return value
      }
    }
  }
  return names[0] ?? ''
}
