// Explains one mail from its bytes, with one configuration or with two.
// A mail that can't be explained gives a fault with the reason. Never throws.

import { formatSize } from '../../config/values'
import type { Result } from '../../errors'
import type { EpochMs } from '../../units'
import type { WorkerThreads } from '../../worker-thread/worker-threads'
import { type Circumstances, circumstancesOf, type Fault, type Given } from './assumed'
import type { ConfigContext } from './config-context'
import { type ExaminedMail, examineMail, type Results, traceMail } from './examined'
import { explainRule } from './explained-rule'
import type { ExplainedDecisions, Explanation } from './explanation'
import { explain, untouchedBecause } from './make-explanation'
import { onWire, type WireLimits, type WireMail } from './wire'
import { count } from './words'

export interface Asked {
  given: Given
  results: Results
  workerThreads: WorkerThreads
  /** The time for a mail without a receipt. */
  nowMs: EpochMs
}

interface Looked {
  mail: WireMail
  circumstances: Circumstances
  examined: ExaminedMail
}

export async function explainWhole(
  raw: Buffer,
  asked: Asked,
  ground: ConfigContext,
): Promise<Result<Explanation, Fault>> {
  const looked = await look(raw, asked, ground)
  if ('fault' in looked) return looked
  const { traces, fault } = await traceMail(looked.value.examined, ground.activeConfig, asked.workerThreads)
  const { receipt, receiptFault, content, decisions, warnings, ...rest } = explainLooked(looked.value, ground)
  const untold = `the rules below the one that decides could not all be asked: ${fault}`
  const value = {
    receipt,
    ...(receiptFault !== undefined && { receiptFault }),
    content,
    rules: traces.map(explainRule),
    decisions,
    warnings: [...warnings, ...(fault === undefined ? [] : [untold])],
    ...rest,
  }
  return { value }
}

export async function explainBriefly(
  raw: Buffer,
  asked: Asked,
  ground: ConfigContext,
): Promise<Result<ExplainedDecisions, Fault>> {
  const looked = await look(raw, asked, ground)
  return 'fault' in looked ? looked : { value: explainLooked(looked.value, ground) }
}

/** Explains the mail with both configurations under the same circumstances. */
export async function explainTwice(
  raw: Buffer,
  asked: Asked,
  here: ConfigContext,
  there: ConfigContext,
): Promise<Result<{ here: ExplainedDecisions; there: ExplainedDecisions }, Fault>> {
  const looked = await look(raw, asked, here)
  if ('fault' in looked) return looked
  const other = await lookAgain(looked.value, asked, there)
  if ('fault' in other) return { fault: { why: `${other.fault.why} (by the other configuration)` } }
  return { value: { here: explainLooked(looked.value, here), there: explainLooked(other.value, there) } }
}

async function look(raw: Buffer, asked: Asked, ground: ConfigContext): Promise<Result<Looked, Fault>> {
  const mail = onWire(raw, ground.limits)
  const circumstances = await circumstancesOf(mail.headerLines, asked.given, ground.activeConfig, asked.nowMs)
  return 'fault' in circumstances
    ? circumstances
    : lookAgain({ mail, circumstances: circumstances.value }, asked, ground)
}

async function lookAgain(
  { mail, circumstances }: Omit<Looked, 'examined'>,
  { results, workerThreads }: Asked,
  { activeConfig }: ConfigContext,
): Promise<Result<Looked, Fault>> {
  const examined = await examineMail(mail, circumstances, results, activeConfig, workerThreads)
  if ('fault' in examined)
    return { fault: { why: `it would get a temporary refusal (450): ${examined.fault}` } }
  return { value: { mail, circumstances, examined: examined.value } }
}

function explainLooked({ mail, circumstances, examined }: Looked, ground: ConfigContext): ExplainedDecisions {
  const untouched = untouchedBecause(ground.activeConfig, circumstances.relay)
  const explained = explain(examined, circumstances, untouched)
  return {
    ...explained,
    warnings: [...explained.warnings, ...refusedByHaraka(mail, examined, ground.limits)],
  }
}

/** The limits in connection.ini by which Haraka itself would refuse the mail. */
function refusedByHaraka(
  { headerLines, headerIsCut }: WireMail,
  { facts }: ExaminedMail,
  limits: WireLimits,
): string[] {
  const warnings: string[] = []
  const { sizeBytes } = facts.envelope
  // with the one that Haraka adds
  const hops = facts.headers.values('received').length + limits.ownLines
  if (!headerLines.some(line => /^[!-9;-~]+[ \t]*:/.test(line)))
    warnings.push('no line at its top is a header field: is this a mail?')
  if (limits.bytes !== undefined && sizeBytes > limits.bytes) {
    warnings.push(
      `Haraka itself refuses it: over ${formatSize(limits.bytes)} ([max] bytes in connection.ini)`,
    )
  }
  if (hops > limits.received)
    warnings.push(`Haraka itself refuses it: ${hops} Received fields ([headers] max_received)`)
  if (headerIsCut)
    warnings.push(
      `Haraka keeps only the first ${count(limits.headerLines, 'line')} of its header ([headers] max_lines), so it is never bounced`,
    )
  return warnings
}
