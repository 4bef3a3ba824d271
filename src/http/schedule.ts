// Schedules bounces by hand: the same guards, window, admission and caps as for a mail, and the same queue.
// All recipients of an order or none. What speaks against it is a Fault; a fault of the store is thrown as it is.

import type { ActiveConfig } from '../app/active-config'
import { admitter, forecast, mustBeAlive } from '../app/admission'
import { capper } from '../app/caps'
import { formatDuration } from '../config/values'
import { QueueError } from '../errors'
import { addressKey, domainOf } from '../mail/address'
import type { MailFacts, Receipt, RecipientFacts } from '../mail/facts'
import { bounceSender, bounceSenders, makeBounce } from '../policy/bounce'
import type { BounceRequest } from '../policy/decision'
import { GUARD_DETAILS, guard } from '../policy/guards'
import type { BounceOutcome } from '../policy/rule'
import { ADDRESS_NAMES, parseTemplate, type Template, valuesOf } from '../policy/templates'
import { hasEnded } from '../queue/job'
import type { WorkerQueue } from '../queue/store'
import type { BounceInput, OrderedRecipient } from './bounce-input'
import { type Detail, Fault } from './reply'

/** In place of a rule's name in the queue: a name with a bracket is none that a section can have. */
export const API_RULE = '[api]'

/** When asking again may help; a cap slides with the clock, so that waiting for longer than an hour isn't worth saying. */
const LATER_S = { overload: 60, capped: 3600, unavailable: 5 }

interface Now {
  ms: number
  monoMs: number
}

/** What the queue is to take. @throws Fault */
export function requestsOf(order: BounceInput, activeConfig: ActiveConfig, nowMs: number): BounceRequest[] {
  const { policy } = activeConfig
  const facts = factsOf(order)
  const guarded = order.recipients.map((recipient, index) =>
    ofRecipient(order, facts, activeConfig, recipient, index),
  )
  const details = guarded.flatMap(one => one.details)
  if (details.length > 0)
    throw new Fault(400, 'UNSAFE', 'a guard speaks against it', { details: once(details) })
  const deadlineMs = Math.min(order.receivedAtMs, nowMs) + policy.window.lengthMs
  return guarded.map(({ facts: recipient, outcome, sender, valueOf }) =>
    makeBounce(
      policy,
      { name: API_RULE, outcome },
      { facts, receipt: facts.receipt, recipient, deadlineMs },
      sender,
      valueOf,
    ),
  )
}

/** Whether the queue would take them, with the reason if not. @throws Fault, and QueueError */
export function mustBeTaken(
  requests: readonly BounceRequest[],
  queue: WorkerQueue,
  activeConfig: ActiveConfig,
  now: Now,
): void {
  const before = queue.known(requests[0]?.sesId ?? '')
  const overCap = capper(() => queue, now.ms)
  const tooLate = admitter(() => queue, now.ms, forecast(activeConfig.settings, now.monoMs))
  for (const request of requests) {
    const earlier = before.get(addressKey(request.recipient.address))
    if (earlier !== undefined && hasEnded(earlier.state)) {
      const { address } = request.recipient
      throw ended(`the bounce to ${address} has ${earlier.state} already, as job ${earlier.jobId}`)
    }
    if (earlier !== undefined) continue
    mustBeBounceable(request, activeConfig, now.ms)
    mustHaveDispatcher(queue, now.monoMs)
    const late = tooLate(request)
    if (late !== undefined) throw overloaded(late)
    const capped = overCap(request)
    if (capped !== undefined) throw overCapped(capped, request)
    tooLate.count(request)
  }
}

/** What other workers were faster with, in the same words. */
export function faultOfQueue(error: unknown, request: BounceRequest | undefined): unknown {
  if (!(error instanceof QueueError)) return error
  if (error.code === 'QUEUE_ENDED') return ended(error.message)
  if (error.code === 'QUEUE_CAPPED') return overCapped(error.message, request)
  if (error.code === 'QUEUE_OVERLOADED') return overloaded(error.message)
  return error
}

interface Guarded {
  facts: RecipientFacts
  outcome: BounceOutcome
  sender: string
  valueOf: ReturnType<typeof valuesOf>
  details: Detail[]
}

function ofRecipient(
  order: BounceInput,
  facts: MailFacts,
  { policy, settings }: ActiveConfig,
  recipient: OrderedRecipient,
  index: number,
): Guarded {
  const { address } = recipient
  const known: RecipientFacts = { envelope: { address, notifyNever: false }, address, source: 'relay' }
  const outcome: BounceOutcome = {
    action: 'bounce',
    type: recipient.type,
    status: recipient.status,
    ...(order.explanation && { text: asItIs(order.explanation) }),
    ...(recipient.diagnostic && { diagnostic: asItIs(recipient.diagnostic) }),
    sender:
      order.bounceSender === undefined
        ? parseTemplate(settings.ses.bounceSender, ADDRESS_NAMES).template
        : asItIs(order.bounceSender),
    deliver: false,
    guard: settings.guard,
  }
  const valueOf = valuesOf(facts, known, API_RULE, '')
  const sender = bounceSender(outcome.sender, valueOf)
  const base = { facts: known, outcome, sender: sender ?? '', valueOf }
  if (sender === undefined)
    return { ...base, details: [{ field: 'bounce_sender', message: 'there is no usable bounce sender' }] }
  const context = {
    bounceSender: sender,
    bounceSenders: [...bounceSenders(policy, valueOf), ...(order.bounceSender === undefined ? [] : [sender])],
    receivesFor: (domain: string) => policy.receivesFor(domain),
    labelSeparator: policy.labelSeparator,
    isNamed: false,
  }
  const held = guard(facts, known, settings.guard, context)
  return { ...base, details: held === undefined ? [] : [{ field: fieldOf(held, index), message: held }] }
}

/** Which field of the order a guard looks at. */
function fieldOf(held: string, index: number): string {
  if (held === GUARD_DETAILS.roleAddress || held === GUARD_DETAILS.bounceSender)
    return `recipients[${index}].address`
  return held.startsWith(GUARD_DETAILS.notAuthenticated) ? 'authenticated' : 'sender'
}

/** What the order says of the mail; of its header, and of SES's verdicts, nothing is known. */
function factsOf(order: BounceInput): MailFacts & { receipt: Receipt } {
  const { sesId, region, receivedAtMs, sender } = order
  const domain = order.authenticated ? domainOf(sender) : undefined
  const none = 'none'
  return {
    envelope: { sender, recipients: [], relayIp: '', sizeBytes: 0 },
    receipt: {
      form: 'classic',
      sesId,
      sesIdIsUsual: true,
      region,
      receivedAtMs,
      returnPath: sender,
      client: { helo: '', name: '', ip: '' },
      verdicts: { spam: none, virus: none, spf: none, dkim: none, dmarc: none },
      // the caller's word stands for all that SES could prove, From included
      authentication:
        domain === undefined ? { dkimDomains: [] } : { spfDomain: domain, dkimDomains: [domain] },
    },
    sender,
    recipients: [],
    headers: {
      values: () => [],
      valuesAreCut: () => false,
      addresses: () => [],
      addressesAreCut: () => false,
    },
    headerIsCut: false,
    readings: () => ({ texts: [], areCut: false }),
    content: () => Promise.reject(new Error('there is no mail')),
    results: () => [],
    warnings: [],
  }
}

/** What looks like a {name} is text. */
function asItIs(text: string): Template {
  return { parts: [text] }
}

function once(details: readonly Detail[]): Detail[] {
  return [...new Map(details.map(one => [JSON.stringify(one), one])).values()]
}

function mustBeBounceable(
  { deadlineMs }: BounceRequest,
  { policy, settings }: ActiveConfig,
  nowMs: number,
): void {
  if (settings.main.mode === 'observe')
    throw new Fault(409, 'OBSERVING', 'mode = observe in config/ses-bounce.ini: nothing is bounced')
  if (nowMs <= deadlineMs - policy.window.marginMs) return
  const length = formatDuration(policy.window.lengthMs)
  throw new Fault(409, 'EXPIRED', `it is later than ${length} after received_at, or too near to that`)
}

function mustHaveDispatcher(queue: WorkerQueue, monoMs: number): void {
  try {
    mustBeAlive(queue, monoMs)
  } catch (error) {
    if (error instanceof QueueError) throw error
    throw new Fault(503, 'UNAVAILABLE', error instanceof Error ? error.message : String(error), {
      headers: retryAfter(LATER_S.unavailable),
    })
  }
}

function ended(message: string): Fault {
  return new Fault(409, 'ENDED', message)
}

function overloaded(message: string): Fault {
  return new Fault(503, 'OVERLOAD', message, { headers: retryAfter(LATER_S.overload) })
}

function overCapped(message: string, request: BounceRequest | undefined): Fault {
  const shortestS = Math.min(...(request?.caps ?? []).map(({ rate }) => rate.perMs / 1000), LATER_S.capped)
  return new Fault(429, 'CAPPED', message, { headers: retryAfter(shortestS) })
}

function retryAfter(seconds: number): Record<string, string> {
  return { 'Retry-After': String(seconds) }
}
