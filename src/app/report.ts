// Reports an evaluation: lines for the log, and results for other plugins.

import type { Jobs, MailEvaluation } from './evaluate-mail'
import { decisionLine, logLine } from './log-line'

export interface Line {
  level: 'info' | 'notice' | 'warn'
  text: string
}

/** One line for each recipient, with its job or the reason why there is none, and warnings. */
export function linesOf(evaluation: MailEvaluation, jobs: Jobs, mode: 'enforce' | 'observe'): Line[] {
  const { facts, decisions, plan } = evaluation
  const sesId = facts.receipt?.sesId
  const lines: Line[] = facts.warnings.map(text => ({
    level: 'warn',
    text: logLine({ ses_id: sesId, warning: text }),
  }))
  for (const decision of decisions) {
    const recipient = decision.recipient.address
    const observed = mode === 'observe'
    lines.push({
      level: 'info',
      text: decisionLine(decision, { sesId, sender: facts.sender, job: jobs.get(decision), observed }),
    })
    for (const { rule, action, fault } of decision.observed) {
      lines.push({
        level: fault === undefined ? 'info' : 'warn',
        text: logLine({ rule, action, recipient, ses_id: sesId, mode: 'observe', fault }),
      })
    }
  }
  for (const { rule, recipient } of plan.kind === 'commit' ? plan.swallowedRejects : []) {
    const warning = 'rejected, but quarantined: SMTP has one reply for all recipients'
    lines.push({
      level: 'warn',
      text: logLine({ rule, recipient: recipient.address, ses_id: sesId, warning }),
    })
  }
  return lines
}

/** For Haraka's transaction.results. */
export function resultsOf({ facts, decisions }: MailEvaluation): Record<string, unknown> {
  return {
    ses_id: facts.receipt?.sesId,
    region: facts.receipt?.region,
    sender: facts.sender,
    decisions: decisions.map(({ recipient, rule, wanted, action, account, fallback, refusal }) => ({
      recipient: recipient.address,
      rule,
      wanted,
      action,
      ...(account !== undefined && { account }),
      ...(fallback && { reason: fallback.reason, detail: fallback.detail }),
      ...(refusal && { refused: refusal }),
    })),
    msg: decisions.map(({ recipient, action }) => `${action} ${recipient.address}`),
  }
}
