// The workers' side of the queue: one round trip before a mail is decided, and one that adds its bounces, durable when it
// is answered. The functions look and add_bounces decide.

import { addressKey, domainOf } from '../../mail/address'
import type { BounceRequest, Cap } from '../../policy/decision'
import type { AddressKey, EpochMs } from '../../units'
import { LATENESS_TEXTS } from '../admission'
import { callKey } from '../calls'
import { capKey, capText } from '../caps'
import type { Forecast, Lateness } from '../forecast'
import type { JobState, Submitted } from '../job'
import { newJobId } from '../job-id'
import { NOT_KEPT } from '../mail-ledger'
import type { AddOptions, KnownRecipient, Question, Seen, WorkerQueue } from '../store'
import { auditArgs } from './audit'
import { type ConnectionOptions, openConnection, type PostgresConnection } from './connection'
import { isFault, OWN_STATES } from './faults'
import { mailLedger } from './mail-ledger'
import { releaseTokens } from './release-tokens'
import type { PostgresTarget } from './target'

/** Two processes made the same id in the same millisecond, one in 60 million: more often it is another fault. */
const MOST_TRIES = 3

/** `home`: the store of mail. */
export function openWorkerQueue(
  target: PostgresTarget,
  { home, ...options }: ConnectionOptions & { home: string },
): WorkerQueue {
  const connection = openConnection(target, options)
  return {
    clock: connection.queueClock,
    mail: mailLedger(connection, home),
    releaseTokens: releaseTokens(connection),
    look: question => look(connection, question),
    add: (requests, nowMs, options) => add(connection, home, requests, nowMs, options),
    close: () => connection.close(),
  }
}

interface LookAnswer {
  known: [
    key: AddressKey,
    jobId: string,
    state: JobState,
    rule: string,
    createdMs: EpochMs,
    kept: string | null,
    call: [region: string, bounceSender: string, arn: string | null, explanation: string | null] | null,
  ][]
  digest: string | null
  results: Submitted[] | null
  /** These are of a question with `bounce`. */
  beat_ms: EpochMs | null
  jobs: number
  later_ms: number | null
  spacing_ms: number
  last_start_ms: EpochMs | null
  counted: number[]
}

async function look(connection: PostgresConnection, question: Question): Promise<Seen> {
  const { sesId, bounce, idempotencyKey, nowMs } = question
  const answer = await connection.call<LookAnswer>('look_1', {
    now_ms: Math.round(nowMs),
    ...(sesId !== undefined && { ses_id: sesId }),
    ...(idempotencyKey !== undefined && { key: idempotencyKey }),
    ...(bounce && {
      bounce: { region: bounce.region, deadline_ms: bounce.deadlineMs, caps: bounce.caps.map(capOf) },
    }),
  })
  const { digest, results } = answer
  return {
    known: new Map(answer.known.map(one => [one[0], knownRecipient(sesId ?? '', one)])),
    ...(bounce && {
      bounce: {
        silentMs: since(answer.beat_ms, nowMs),
        ahead: {
          jobs: answer.jobs,
          laterMs: answer.later_ms ?? Number.POSITIVE_INFINITY,
          spacingMs: answer.spacing_ms,
          sinceLastStartMs: since(answer.last_start_ms, nowMs),
        },
        counted: answer.counted,
      },
    }),
    ...(digest !== null && results !== null && { record: { digest, results } }),
  }
}

function since(ms: EpochMs | null, nowMs: EpochMs): number {
  return ms === null ? Number.POSITIVE_INFINITY : nowMs - ms
}

function knownRecipient(
  sesId: string,
  [, jobId, state, rule, createdAtMs, kept, call]: LookAnswer['known'][number],
): KnownRecipient {
  return {
    jobId,
    state,
    rule,
    createdAtMs,
    ...(kept !== null && { kept }),
    ...(call && { call: callOf(sesId, call) }),
  }
}

function callOf(
  sesId: string,
  [region, bounceSender, arn, explanation]: NonNullable<LookAnswer['known'][number][6]>,
): string {
  return callKey({
    sesId,
    region,
    bounceSender,
    ...(arn !== null && { bounceSenderArn: arn }),
    ...(explanation !== null && { explanation }),
    recipient: { address: '' },
  })
}

/** The function's answer for a recipient: refusals without their texts. */
type Added =
  | Exclude<Submitted, { outcome: 'overloaded' | 'capped' }>
  | { address: string; outcome: 'overloaded'; late: Lateness }
  | { address: string; outcome: 'capped'; cap: number }

async function add(
  connection: PostgresConnection,
  home: string,
  requests: readonly BounceRequest[],
  nowMs: EpochMs,
  { forecast, record, mustBeKept, audit }: AddOptions = {},
): Promise<Submitted[]> {
  const kept = requests.find(one => one.kept !== undefined)?.kept
  const args = () => ({
    now_ms: Math.round(nowMs),
    requests: requests.map(request => requestOf(request, nowMs)),
    ...(forecast && { forecast: forecastOf(forecast) }),
    ...(record && { record }),
    ...(mustBeKept && kept !== undefined && { home, kept }),
    ...(audit && { audit: auditArgs(audit) }),
  })
  const name = audit ? 'add_audited_bounces_1' : 'add_bounces_1'
  for (let tries = 1; ; tries++) {
    try {
      const answer = await connection.call<{ results: Added[]; not_kept?: true }>(name, args())
      if (answer.not_kept) throw new Error(NOT_KEPT)
      return answer.results.map((result, index) => submittedOf(result, requests[index]?.caps ?? []))
    } catch (error) {
      if (!isFault(error, OWN_STATES.sameId) || tries === MOST_TRIES) throw error
    }
  }
}

function submittedOf(result: Added, caps: readonly Cap[]): Submitted {
  const { address } = result
  if (result.outcome === 'overloaded' && 'late' in result)
    return { address, outcome: 'overloaded', detail: LATENESS_TEXTS[result.late] }
  if (result.outcome === 'capped' && 'cap' in result) {
    const cap = caps[result.cap]
    return { address, outcome: 'capped', detail: cap === undefined ? '' : capText(cap) }
  }
  return result
}

export function requestOf(request: BounceRequest, nowMs: EpochMs): Record<string, unknown> {
  const { recipient } = request
  const key = addressKey(recipient.address)
  return {
    id: newJobId(nowMs),
    own: `${request.sesId} ${key}`,
    call: callKey(request),
    ses_id: request.sesId,
    address_key: key,
    address: recipient.address,
    region: request.region,
    sender: request.sender,
    sender_key: request.senderKey,
    sender_domain: domainOf(request.sender) ?? '',
    bounce_sender: request.bounceSender,
    bounce_sender_arn: request.bounceSenderArn ?? null,
    reporting_mta: request.reportingMta,
    explanation: request.explanation ?? null,
    received_ms: request.receivedAtMs,
    deadline_ms: request.deadlineMs,
    bounce_type: recipient.bounceType,
    status: recipient.status,
    diagnostic: recipient.diagnostic,
    rule: request.rule,
    kept: request.kept ?? null,
    alone: recipient.isUnconfirmed === true,
    caps: request.caps.map(capOf),
  }
}

function capOf(cap: Cap): Record<string, unknown> {
  const { by, key, rate } = cap
  return { id: capKey(cap), by, key, per_ms: rate.perMs, count: rate.count }
}

function forecastOf({ spacingMs, marginMs }: Forecast): Record<string, number> {
  return { spacing_ms: spacingMs, margin_ms: marginMs }
}
