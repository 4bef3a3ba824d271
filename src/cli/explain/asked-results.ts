// What rules ask of other plugins, against what is said that these found. Pure.

import { didYouMean } from '../../config/diagnostics'
import type { Policy } from '../../policy/rule'
import type { Results } from './examined'

/** Results that nobody has given, and such that no rule asks for: either way the rules may say something else in Haraka. */
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
