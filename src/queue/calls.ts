// Groups the bounces of one mail into calls, with the order of their recipients. Pure. Admission and `explain` use it.

import { addressKey } from '../mail/address'
import type { BounceRequest } from '../policy/decision'
import type { EpochMs } from '../units'
import type { Job } from './job'

/** The jobs of an empty queue that accepts all requests at once. Their ids are empty. */
export function jobsFor(requests: readonly BounceRequest[], nowMs: EpochMs): Job[] {
  const taken = new Set<string>()
  const jobs = new Map<string, Job>()
  for (const request of requests) {
    const recipient = JSON.stringify([request.sesId, addressKey(request.recipient.address)])
    if (taken.has(recipient)) continue
    taken.add(recipient)
    const call = callKey(request)
    const job = jobs.get(call) ?? emptyJob(request, nowMs)
    jobs.set(call, job)
    job.recipients.push({ ...request.recipient, rule: request.rule, addedAtMs: nowMs })
  }
  for (const { recipients } of jobs.values()) recipients.sort(byKey)
  return [...jobs.values()]
}

type Call = Pick<BounceRequest, 'sesId' | 'region' | 'bounceSender' | 'bounceSenderArn' | 'explanation'> & {
  recipient: Pick<BounceRequest['recipient'], 'address' | 'isUnconfirmed'>
}

/**
 * Requests with equal keys share a call. SES API SendBounce: Explanation, BounceSender, its Arn and MessageDsn exist
 * once in a call. SES refuses a call for a recipient that it didn't have, so an unconfirmed one has its own.
 */
export function callKey(request: Call): string {
  const { sesId, region, bounceSender, bounceSenderArn, explanation, recipient } = request
  const own = recipient.isUnconfirmed ? addressKey(recipient.address) : null
  return JSON.stringify([sesId, region, bounceSender, bounceSenderArn ?? null, explanation ?? null, own])
}

function emptyJob(request: BounceRequest, nowMs: EpochMs): Job {
  return {
    id: '',
    state: 'queued',
    region: request.region,
    sesId: request.sesId,
    sender: request.sender,
    bounceSender: request.bounceSender,
    ...(request.bounceSenderArn !== undefined && { bounceSenderArn: request.bounceSenderArn }),
    reportingMta: request.reportingMta,
    ...(request.explanation !== undefined && { explanation: request.explanation }),
    receivedAtMs: request.receivedAtMs,
    deadlineMs: request.deadlineMs,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
    notBeforeMs: 0,
    tries: 0,
    unknownTries: 0,
    interruptions: 0,
    recipients: [],
  }
}

/** Compares by bytes, as an engine orders text. */
export function byKey(one: { address: string }, other: { address: string }): number {
  return Buffer.compare(Buffer.from(addressKey(one.address)), Buffer.from(addressKey(other.address)))
}
