// The values of a condition as patterns, from as little text as a test needs.
// `matcherOf` and `matching` fail the test whose patterns have a fault.

import assert from 'node:assert/strict'
import { IMPATIENT } from '../../src/policy/effort'
import { type Kind, matches, PatternCompiler } from '../../src/policy/patterns'
import { Subject } from '../../src/policy/subject'
import { type Finding, formatFinding } from '../../src/settings/findings'
import { splitItems } from '../../src/settings/items'

export function compiled(kind: Kind, raw: string, lists: Record<string, string> = {}) {
  const findings: Finding[] = []
  const faults: string[] = []
  const compiler = new PatternCompiler(
    name => lists[name],
    finding => findings.push(finding),
  )
  const { items, fault } = splitItems(raw)
  if (fault !== undefined) faults.push(fault)
  const { matcher, count } = compiler.compile(kind, 'value', items, message => faults.push(message))
  return { matcher, count, faults, findings: findings.map(formatFinding) }
}

export function matcherOf(kind: Kind, raw: string, lists: Record<string, string> = {}) {
  const { matcher, faults, findings } = compiled(kind, raw, lists)
  assert.deepEqual([...faults, ...findings], [])
  return (value: string | number) => matches(matcher, new Subject(value), IMPATIENT)
}

export function matching(
  kind: Kind,
  raw: string,
  values: (string | number)[],
  lists: Record<string, string> = {},
) {
  const holds = matcherOf(kind, raw, lists)
  return values.filter(value => holds(value) === true)
}
