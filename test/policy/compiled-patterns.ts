// The values of a condition as patterns, from as little text as a test needs.
// `matcherOf` and `matching` fail the test whose patterns have a fault.

import assert from 'node:assert/strict'
import { type Diagnostic, formatDiagnostic } from '../../src/config/diagnostics'
import { splitItems } from '../../src/config/items'
import { SYNC_ONLY } from '../../src/policy/match-budget'
import { type Kind, matches, PatternCompiler } from '../../src/policy/patterns'
import { Subject } from '../../src/policy/subject'

export function compiled(kind: Kind, raw: string, lists: Record<string, string> = {}) {
  const diagnostics: Diagnostic[] = []
  const faults: string[] = []
  const compiler = new PatternCompiler(
    name => lists[name],
    diagnostic => diagnostics.push(diagnostic),
  )
  const { items, fault } = splitItems(raw)
  if (fault !== undefined) faults.push(fault)
  const { matcher, count } = compiler.compile(kind, 'value', items, message => faults.push(message))
  return { matcher, count, faults, diagnostics: diagnostics.map(formatDiagnostic) }
}

export function matcherOf(kind: Kind, raw: string, lists: Record<string, string> = {}) {
  const { matcher, faults, diagnostics } = compiled(kind, raw, lists)
  assert.deepEqual([...faults, ...diagnostics], [])
  return (value: string | number) => matches(matcher, new Subject(value), SYNC_ONLY)
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
