// The output of `ses-bounce test`: the differences with their reasons, and a summary; or one JSON object. Pure.

import { jsonText } from '../../json'
import { addressText } from '../explain/words'
import type { CaseResult } from './run-case'

export function isAsExpected({ differences, fault }: CaseResult): boolean {
  return differences.length === 0 && fault === undefined
}

export function caseLines(file: string, results: readonly CaseResult[]): string[] {
  const good = results.filter(isAsExpected).length
  return [
    ...results.flatMap(result => linesOf(file, result)),
    `cases: ${good} as expected, ${results.length - good} not`,
  ]
}

function linesOf(file: string, { name, line, differences, reasons, fault }: CaseResult): string[] {
  if (fault !== undefined) return [`${file}:${line}: [${name}] nothing is decided: ${fault}`]
  return [
    ...differences.map(({ key, line, recipient, expected, got }) => {
      const whose = recipient === undefined ? '' : ` for ${addressText(recipient)}`
      return `${file}:${line}: [${name}] ${key} = ${expected}, but it is ${got}${whose}`
    }),
    ...reasons.map(({ recipient, why }) => `  ${addressText(recipient)}: ${why}`),
  ]
}

export function caseJson(results: readonly CaseResult[]): string {
  const asExpected = results.filter(isAsExpected).length
  const cases = results.map(result => ({ ...result, asExpected: isAsExpected(result) }))
  return jsonText({ cases, sum: { asExpected, not: results.length - asExpected } })
}
