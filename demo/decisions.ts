// Describes the plugin's decisions about a mail, read from Haraka's log, in the words of the demo.
// Ignores lines that aren't decisions.

import type { LogLine } from './haraka-log'

export function decisionsOf(lines: readonly LogLine[], sesId: string): LogLine[] {
  return lines.filter(
    ({ values }) => values['ses_id'] === sesId && values['action'] !== undefined && !isObserved(values),
  )
}

/** `bounce`, `bounce+accept` */
export function actionText(decisions: readonly LogLine[]): string {
  const actions = decisions.map(({ values }) => values['action'] ?? '')
  return [...new Set(actions)].join('+') || 'accept'
}

/** `unknown-mailbox`, `unknown-mailbox: null sender`, `unknown-mailbox, known already`, `trial would bounce`, `no rule` */
export function whyText(lines: readonly LogLine[], sesId: string): string {
  const own = lines.filter(({ values }) => values['ses_id'] === sesId && values['action'] !== undefined)
  const reasons = own.flatMap(({ values }) => reasonOf(values) ?? [])
  return [...new Set(reasons)].join('; ') || 'no rule'
}

function reasonOf(values: LogLine['values']): string | undefined {
  const { rule, detail, action, bounce } = values
  if (rule === undefined) return undefined
  if (isObserved(values)) return `${rule} would ${action}`
  if (bounce === 'known') return `${rule}, known already`
  return detail === undefined ? rule : `${rule}: ${detail}`
}

/** Whether the line is from a rule in mode observe. */
function isObserved({ mode }: LogLine['values']): boolean {
  return mode === 'observe'
}
