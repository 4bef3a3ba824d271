// The report of `explain` for people: SES's fields, each recipient's rule and why the rules above it don't hold, the
// reply, the calls. Pure. The caller escapes control characters.

import { RULES_FILE } from '../../app/active-config'
import type { Refusal } from '../../mail/refusal'
import { contentLines } from './content-lines'
import type { ExplainedRule } from './explained-rule'
import type { Answer, ExplainedDecision, ExplainedReceipt, Explanation } from './explanation'
import { fateOf } from './fate'
import { addressText, failedText, quotedText, row, sizeText, timeText, utcText } from './words'

/** The most rules above the deciding one that are shown. */
const SHOWN_RULES = 30

/** Lines, one text each. */
export function report(name: string, explanation: Explanation): string[] {
  const { decisions, warnings, content, answer, passedOver } = explanation
  return [
    ...heading(name, explanation),
    ...receiptLines(explanation),
    ...envelopeLines(explanation),
    ...(content ? contentLines(content) : []),
    ...decisions.flatMap(decision => decisionLines(decision, explanation)),
    '',
    ...answerLines(answer),
    ...(passedOver ? ['No rule can hold for it: it is passed over, without a log line for "accept"'] : []),
    ...callLines(explanation),
    ...(warnings.length > 0 ? ['', ...warnings.map(text => `warning: ${text}`)] : []),
  ]
}

function heading(name: string, { at, assumed, envelope, untouched }: Explanation): string[] {
  const why = assumed.at === undefined ? '' : `, ${assumed.at} (--at sets another time)`
  return [
    `${name}: ${sizeText(envelope.sizeBytes)}, as decided at ${utcText(at)}${why}`,
    ...(untouched === undefined
      ? []
      : [`It would pass untouched: ${untouched}. What the rules say all the same:`]),
  ]
}

function receiptLines({ receipt, receiptFault, at }: Explanation): string[] {
  if (receipt === null) return ['', `SES's receipt: none, ${receiptFault ?? ''}`]
  const ageMs = Date.parse(at) - Date.parse(receipt.receivedAt)
  const age = ageMs < 0 ? `${timeText(-ageMs)} in the future` : `${timeText(ageMs)} ago`
  const { client, verdicts, returnPath, forRecipient } = receipt
  return [
    '',
    "SES's receipt",
    row('id', `${receipt.sesId}${receipt.sesIdIsUsual ? '' : ', of an unusual form'}`),
    row('received', `${utcText(receipt.receivedAt)} in ${receipt.region}, ${age}`),
    row('client', client.ip === '' ? 'can not be read' : clientText(client)),
    row('sender', returnPath === undefined ? 'no Return-Path' : addressText(returnPath)),
    row('recipient', forRecipient === undefined ? 'not named' : addressText(forRecipient)),
    row(
      'verdicts',
      Object.entries(verdicts)
        .map(([what, word]) => `${what} ${word}`)
        .join(', '),
    ),
    row('proves', provedText(receipt)),
  ]
}

function clientText({ helo, name, ip }: ExplainedReceipt['client']): string {
  return `${quotedText(helo)} (${name === '' ? '' : `${quotedText(name)} `}[${ip}])`
}

function provedText({ authentication }: ExplainedReceipt): string {
  const { spfDomain, dkimDomains, dmarcDomain, flaw } = authentication
  if (flaw !== undefined) return `no domain: ${flaw}`
  const proved = [
    ...(spfDomain === undefined ? [] : [`${spfDomain} by SPF`]),
    ...dkimDomains.map(domain => `${domain} by DKIM`),
    ...(dmarcDomain === undefined ? [] : [`${dmarcDomain} by DMARC`]),
  ]
  return proved.join(', ') || 'no domain'
}

function envelopeLines({ envelope, assumed }: Explanation): string[] {
  const from = (why: string | undefined) => (why === undefined ? '' : `, ${why}`)
  return [
    '',
    'The relay',
    row('address', `${envelope.relayIp}${from(assumed.relay)}`),
    row('MAIL FROM', `${addressText(envelope.sender)}${from(assumed.from)}`),
    row('RCPT TO', `${envelope.recipients.map(addressText).join(', ')}${from(assumed.to)}`),
  ]
}

function decisionLines(decision: ExplainedDecision, { rules, answer }: Explanation): string[] {
  const { recipient, envelopeRecipient, refused, rule, action, wanted, account, lane, reason, detail } =
    decision
  const given = envelopeRecipient === recipient ? '' : ` (RCPT TO ${addressText(envelopeRecipient)})`
  const unruled = refused === null ? 'as no rule holds' : 'as the refusal stands'
  const by = rule === null ? unruled : `by [${rule}]`
  return [
    '',
    `${addressText(recipient)}${given}: ${action}, ${by}`,
    ...(refused === null ? [] : [`  ${refusedText(refused)}`]),
    ...ruleLines(rulesUpTo(decision, rules)),
    ...(decision.refusedAtOnce ? [] : [`  ${SOURCES[decision.source]}`]),
    ...(account === undefined ? [] : [`  account ${account}${lane === undefined ? '' : `, lane ${lane}`}`]),
    ...(wanted === 'bounce' && reason === null ? ['  no guard prevents the bounce, and it is in time'] : []),
    ...(reason === null ? [] : [`  ${reasonText(reason, wanted)}, ${detail ?? ''}; so it is ${action}`]),
    `  ${fateOf(decision, answer)}`,
  ]
}

/** `refused by rcpt-ldap at rcpt: 550 5.1.1 No such user` */
function refusedText({ by, stage, code, status, reply }: Refusal): string {
  return `refused by ${quotedText(by)} at ${stage}: ${[code, status, reply].join(' ').trim()}`
}

function reasonText(reason: string, wanted: string): string {
  return wanted === 'bounce' ? `not bounced: ${reason}` : reason
}

const SOURCES: Record<ExplainedDecision['source'], string> = {
  for: 'SES had this recipient: its Received names it',
  header: 'SES had this recipient: the header names it, at a domain that SES receives for',
  unconfirmed:
    'SES may have had this recipient: it is at a domain that SES receives for, but nothing names it (Bcc, lists)',
  rewritten: 'SES had this recipient: the relay gave another one in its place, and only one',
  relay: 'SES had this recipient: [relay] recipients = kept says so',
  envelope: 'the recipient is as the relay gave it, without a word of SES',
  mismatch: 'SES is not known to have had this recipient',
}

/** The rules of one recipient, up to the one that decided. */
function rulesUpTo({ recipient, rule }: ExplainedDecision, rules: readonly ExplainedRule[]): ExplainedRule[] {
  const own = rules.filter(one => one.recipient === recipient)
  const end = own.findIndex(
    ({ name, holds, unreadable, mode }) =>
      name === rule && (holds || unreadable !== undefined) && mode === 'enforce',
  )
  return own.slice(0, end < 0 ? undefined : end + 1)
}

function ruleLines(rules: readonly ExplainedRule[]): string[] {
  const shown = rules.slice(-SHOWN_RULES)
  const left = rules.length - shown.length
  return [
    ...(left > 0 ? [`  ${left} rules above these don't decide either; --json has them`] : []),
    ...shown.map(rule => `  ${RULES_FILE}:${rule.failed?.line ?? rule.line} ${failedText(rule)}`),
  ]
}

function answerLines(answer: Answer): string[] {
  switch (answer.kind) {
    case 'pass':
      return ["SMTP reply: none of ours, the mail goes on to Haraka's next plugins"]
    case 'refuse':
      return [`SMTP reply: ${answer.code} ${answer.text}`]
    case 'commit':
      return answer.goesOnTo.length === 0
        ? ['SMTP reply: 250, the mail is accepted']
        : [`SMTP reply: none of ours, the mail goes on for ${answer.goesOnTo.map(addressText).join(', ')}`]
  }
}

function callLines({ decisions, receipt }: Explanation): string[] {
  const lanes = new Map(
    decisions.flatMap(({ sendBounce, lane }) => (sendBounce ? [[sendBounce, lane] as const] : [])),
  )
  const calls = [...lanes]
  return calls.flatMap(([input, lane], index) => [
    '',
    `Call${calls.length > 1 ? ` ${index + 1} of ${calls.length}` : ''} to SES in ${lane ?? receipt?.region ?? ''}: SendBounce`,
    ...JSON.stringify(input, null, 2)
      .split('\n')
      .map(line => `  ${line}`),
  ])
}
