// Compares the results of other plugins that rules need with those that were given. Pure.

import { didYouMean } from '../../config/diagnostics'
import type { Policy } from '../../policy/rule'
import type { Results } from './examined'

/** Warns of results that are missing or that no rule uses, as the decision in Haraka may then differ. */
export function resultWarnings({ rules }: Policy, results: Results): string[] {
  const asked = new Map<string, string>()
  for (const { name, conditions } of rules) {
    for (const { field, member } of conditions)
      if (field.phase === 'results' && !asked.has(member)) asked.set(member, name)
  }
  const unknown = [...asked].filter(([path]) => !results.has(path))
  const idle = [...results.keys()].filter(path => !asked.has(path))
  return [
    ...unknown.map(
      ([path, rule]) =>
        `[${rule}] asks for result.${path}, of which nothing is known here; --result ${path}=VALUE says it`,
    ),
    ...idle.map(path => `no rule asks for result.${path}${didYouMean(path, asked.keys())}`),
  ]
}
