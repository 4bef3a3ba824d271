// Submits bounces by hand, with the guards, window, admission, caps and queue of a mail's bounces.
// Adds all recipients of a submission or none. A refusal is a Fault; a fault of the store is thrown unchanged.

import type { ActiveConfig } from '../app/active-config'
import { forecast, submit } from '../app/submit'
import { formatDuration } from '../config/values'
import { SesBounceError } from '../errors'
import { domainOf } from '../mail/address'
import type { Receipt } from '../mail/facts'
import { laneFor, NO_ACCOUNT } from '../policy/accounts'
import { bounceSender, bounceSenders, makeBounce } from '../policy/bounce'
import type { BounceRequest } from '../policy/decision'
import { GUARD_DETAILS, type GuardedRecipient, type GuardSubject, guard } from '../policy/guards'
import type { BounceOutcome } from '../policy/rule'
import { ADDRESS_NAMES, addressValuesOf, parseTemplate, type Template } from '../policy/templates'
import { endedText, isRefused, type Submitted } from '../queue/job'
import type { WorkerQueue } from '../queue/store'
import type { AsciiDomain, EpochMs, MonoMs } from '../units'
import type { BounceInput, SubmittedRecipient } from './bounce-input'
import { type Detail, Fault } from './reply'

/** The rule's name in the queue. A section's name can't hold a bracket. */
export const API_RULE = '[api]'

/** Values of Retry-After in seconds. Caps have sliding windows, so an hour is the most. */
const LATER_S = { overload: 60, capped: 3600, unavailable: 5 }

interface Now {
  ms: number
  monoMs: MonoMs
}

/** The requests for the queue. @throws Fault */
export function requestsOf(
  submission: BounceInput,
  activeConfig: ActiveConfig,
  nowMs: EpochMs,
): BounceRequest[] {
  const { policy } = activeConfig
  const subject = subjectOf(submission)
  const guarded = submission.recipients.map((recipient, index) =>
    ofRecipient(submission, subject, activeConfig, recipient, index),
  )
  const details = guarded.flatMap(one => one.details)
  if (details.length > 0)
    throw new Fault(400, 'UNSAFE', 'a guard speaks against it', { details: once(details) })
  const lanes = lanesOf(submission, activeConfig)
  const deadlineMs = Math.min(submission.receivedAtMs, nowMs) + policy.window.lengthMs
  const receipt = { ...submission, authentication: subject.receipt.authentication }
  return guarded.map(({ recipient, outcome, sender, valueOf }, index) =>
    makeBounce(
      policy,
      { name: API_RULE, outcome },
      { facts: subject, receipt, lane: lanes[index] ?? submission.region, recipient, deadlineMs },
      sender,
      valueOf,
    ),
  )
}

/** The lanes of the recipients, in their order. @throws Fault */
function lanesOf({ region, recipients }: BounceInput, { policy }: ActiveConfig): string[] {
  const lanes = recipients.map(({ address }) => laneFor(policy.accounts, region, address)?.lane)
  const details = lanes.flatMap((lane, index) =>
    lane === undefined ? [{ field: `recipients[${index}].address`, message: NO_ACCOUNT }] : [],
  )
  if (details.length > 0) throw new Fault(400, 'VALIDATION_ERROR', 'the body has faults', { details })
  return lanes.filter(lane => lane !== undefined)
}

/** A dry run, for checks that the queue doesn't repeat when it writes. @throws Fault, QueueError */
export async function mustBeAdmitted(
  requests: readonly BounceRequest[],
  queue: WorkerQueue,
  activeConfig: ActiveConfig,
  now: Now,
): Promise<void> {
  const times = { nowMs: now.ms, forecast: forecast(activeConfig.settings, now.monoMs) }
  const results = await submit(requests, queue, { ...times, dryRun: true }).catch((error: unknown) => {
    if (!(error instanceof SesBounceError && error.code === 'NO_DISPATCHER')) throw error
    for (const request of requests) mustBeBounceable(request, activeConfig, now.ms)
    throw new Fault(503, 'UNAVAILABLE', error.message, { headers: retryAfter(LATER_S.unavailable) })
  })
  for (const [index, request] of requests.entries()) {
    const result = results[index]
    const fault = faultOf(result, request)
    if (result?.outcome === 'ended') throw fault
    if (result?.outcome === 'known') continue
    mustBeBounceable(request, activeConfig, now.ms)
    if (fault !== undefined) throw fault
  }
}

/** The fault of a refused request. Undefined: it wasn't refused. */
export function faultOf(result: Submitted | undefined, { caps }: BounceRequest): Fault | undefined {
  if (result === undefined || !isRefused(result)) return undefined
  switch (result.outcome) {
    case 'ended': {
      const { address, state, jobId } = result
      return new Fault(
        409,
        'ENDED',
        `the bounce to ${address} has ${endedText(state)} already, as job ${jobId}`,
      )
    }
    case 'overloaded':
      return new Fault(503, 'OVERLOAD', result.detail, { headers: retryAfter(LATER_S.overload) })
    case 'capped': {
      const shortestS = Math.min(...caps.map(({ rate }) => rate.perMs / 1000), LATER_S.capped)
      return new Fault(429, 'CAPPED', result.detail, { headers: retryAfter(shortestS) })
    }
  }
}

interface Guarded {
  recipient: GuardedRecipient & { source: 'relay' }
  outcome: BounceOutcome
  sender: string
  valueOf: ReturnType<typeof addressValuesOf>
  details: Detail[]
}

function ofRecipient(
  submission: BounceInput,
  subject: GuardSubject,
  { policy, settings }: ActiveConfig,
  recipient: SubmittedRecipient,
  index: number,
): Guarded {
  const { address } = recipient
  const known = { envelope: { notifyNever: false }, address, source: 'relay' as const }
  const outcome: BounceOutcome = {
    action: 'bounce',
    type: recipient.type,
    status: recipient.status,
    ...(submission.explanation && { text: asItIs(submission.explanation) }),
    ...(recipient.diagnostic && { diagnostic: asItIs(recipient.diagnostic) }),
    sender:
      submission.bounceSender === undefined
        ? parseTemplate(settings.ses.bounceSender, ADDRESS_NAMES).template
        : asItIs(submission.bounceSender),
    deliver: false,
    fromRefusal: [],
    guard: settings.guard,
  }
  const valueOf = addressValuesOf(subject.sender, address)
  const sender = bounceSender(outcome.sender, valueOf)
  const base = { recipient: known, outcome, sender: sender ?? '', valueOf }
  if (sender === undefined)
    return { ...base, details: [{ field: 'bounce_sender', message: 'there is no usable bounce sender' }] }
  const context = {
    bounceSender: sender,
    bounceSenders: [
      ...bounceSenders(policy, valueOf),
      ...(submission.bounceSender === undefined ? [] : [sender]),
    ],
    receivesFor: (domain: AsciiDomain) => policy.receivesFor(domain),
    labelSeparator: policy.labelSeparator,
    isNamed: false,
  }
  const held = guard(subject, known, settings.guard, context)
  return { ...base, details: held === undefined ? [] : [{ field: fieldOf(held, index), message: held }] }
}

/** The field of the submission that a guard concerns. */
function fieldOf(held: string, index: number): string {
  if (held === GUARD_DETAILS.roleAddress || held === GUARD_DETAILS.bounceSender)
    return `recipients[${index}].address`
  return held.startsWith(GUARD_DETAILS.notAuthenticated) ? 'authenticated' : 'sender'
}

/** The submission as a subject for guards. Header and verdicts of the mail aren't known. */
function subjectOf({
  authenticated,
  sender,
}: BounceInput): GuardSubject & { receipt: Pick<Receipt, 'authentication'> } {
  const domain = authenticated ? domainOf(sender) : undefined
  const none = 'none'
  return {
    sender,
    headerIsCut: false,
    readings: () => ({ texts: [], areCut: false }),
    receipt: {
      verdicts: { spam: none, virus: none, spf: none, dkim: none, dmarc: none },
      // `authenticated` counts as every proof of SES, From included
      authentication:
        domain === undefined ? { dkimDomains: [] } : { spfDomain: domain, dkimDomains: [domain] },
    },
  }
}

/** A text without template names. */
function asItIs(text: string): Template {
  return { parts: [text] }
}

function once(details: readonly Detail[]): Detail[] {
  return [...new Map(details.map(one => [JSON.stringify(one), one])).values()]
}

function mustBeBounceable(
  { deadlineMs }: BounceRequest,
  { policy, settings }: ActiveConfig,
  nowMs: EpochMs,
): void {
  if (settings.main.mode === 'observe')
    throw new Fault(409, 'OBSERVING', 'mode = observe in config/ses-bounce.ini: nothing is bounced')
  if (nowMs <= deadlineMs - policy.window.marginMs) return
  const length = formatDuration(policy.window.lengthMs)
  throw new Fault(409, 'EXPIRED', `it is later than ${length} after received_at, or too near to that`)
}

function retryAfter(seconds: number): Record<string, string> {
  return { 'Retry-After': String(seconds) }
}
