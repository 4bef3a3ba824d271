// Compares the decisions of two configurations about one mail. Pure.
// The name of a rule alone isn't a difference, as rules may be renamed, split and moved.

import { addressKey } from '../../mail/address'
import type { ExplainedDecision, ExplainedDecisions } from './explanation'
import { decisionText } from './list'
import { addressText, quotedText } from './words'

/** The differences for one recipient: a name with both values. */
interface Difference {
  recipient: string
  here: ExplainedDecision
  there: ExplainedDecision
  details: string[]
}

/** The differences for the whole mail. */
export interface Comparison {
  differences: Difference[]
  /** Unless the differences say it. */
  answer?: { here: string; there: string }
}

/** Undefined: the relay, the sender and the recipients see the same. */
export function compare(here: ExplainedDecisions, there: ExplainedDecisions): Comparison | undefined {
  const differences = here.decisions.flatMap((one, index) => {
    const other = there.decisions[index]
    return other === undefined || sameFor(one, other)
      ? []
      : [{ recipient: one.recipient, here: one, there: other, details: detailsOf(one, other) }]
  })
  const answers = { here: outcomeText(here), there: outcomeText(there) }
  const isSame = answers.here === answers.there
  if (differences.length === 0 && isSame) return undefined
  // with one recipient, its line shows everything
  const isTold = differences.length === 1 && here.untouched === there.untouched
  return { differences, ...(!isSame && !isTold && { answer: answers }) }
}

export function comparisonLines(name: string, { differences, answer }: Comparison): string[] {
  return [
    ...differences.flatMap(({ recipient, here, there, details }) => [
      `${name}: ${addressText(recipient)} -> ${decisionText(here)} | ${decisionText(there)}`,
      ...details.map(text => `  ${text}`),
    ]),
    ...(answer ? [`${name}: the mail -> ${answer.here} | ${answer.there}`] : []),
  ]
}

function sameFor(one: ExplainedDecision, other: ExplainedDecision): boolean {
  return JSON.stringify(seen(one)) === JSON.stringify(seen(other))
}

/** The visible effects of a decision. */
function seen(decision: ExplainedDecision): unknown[] {
  const { action, deliver, reason, reply, lane } = decision
  return [action, deliver, reason, reply, lane ?? null, ownCall(decision)]
}

/** The differences that the line of the decisions doesn't show. */
function detailsOf(one: ExplainedDecision, other: ExplainedDecision): string[] {
  const [here, there] = [ownCall(one), ownCall(other)]
  const pairs: [string, string, string][] = [
    ['delivered too', String(one.deliver), String(other.deliver)],
    ['reply', one.reply ?? 'none', other.reply ?? 'none'],
    ['lane', one.lane ?? 'of the usual credentials', other.lane ?? 'of the usual credentials'],
    // the line already shows an additional or missing call
    ...(here && there ? pairsOf(here, there) : []),
  ]
  return pairs
    .filter(([, here, there]) => here !== there)
    .map(([what, here, there]) => `${what}: ${quotedText(here)} | ${quotedText(there)}`)
}

function pairsOf(here: object, there: object): [string, string, string][] {
  const [one, other] = [new Map(Object.entries(here)), new Map(Object.entries(there))]
  const text = (value: unknown) =>
    typeof value === 'string' ? value : value === undefined ? 'none' : JSON.stringify(value)
  return [...new Set([...one.keys(), ...other.keys()])].map(key => [
    key,
    text(one.get(key)),
    text(other.get(key)),
  ])
}

/** The call as if it were only for that recipient. */
function ownCall({ sendBounce, recipient }: ExplainedDecision): object | undefined {
  if (sendBounce === null) return undefined
  const { BouncedRecipientInfoList = [], MessageDsn, ...once } = sendBounce
  const key = addressKey(recipient)
  const own = BouncedRecipientInfoList.find(({ Recipient = '' }) => addressKey(Recipient) === key)
  const { Status, DiagnosticCode } = own?.RecipientDsnFields ?? {}
  return {
    ...once,
    ReportingMta: MessageDsn?.ReportingMta,
    BounceType: own?.BounceType,
    Status,
    DiagnosticCode,
  }
}

function outcomeText({ answer, untouched }: ExplainedDecisions): string {
  if (untouched !== undefined) return `untouched: ${untouched}`
  switch (answer.kind) {
    case 'pass':
      return 'goes on'
    case 'refuse':
      return `${answer.code} ${answer.text}`
    case 'commit':
      return answer.goesOnTo.length === 0 ? 'taken' : `goes on for ${answer.goesOnTo.join(', ')}`
  }
}
