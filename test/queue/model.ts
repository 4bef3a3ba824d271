// The queue as a plain list in memory: slow and obvious, to be held against the file.

import { addressKey } from '../../src/mail/address'
import type { BounceRequest } from '../../src/policy/decision'
import { hasEnded, type JobState } from '../../src/queue/job'

export interface ModelJob {
  /** The id that the store gave it. */
  id: string
  /** The order of coming. */
  place: number
  state: JobState
  request: BounceRequest
  recipients: string[]
  createdAtMs: number
  changedAtMs: number
  notBeforeMs: number
  tries: number
  unknownTries: number
  interruptions: number
  begun: boolean
  alone: boolean
  /** Split off another: it doesn't count for its sender. */
  isCopy: boolean
}

export interface ModelRecipient {
  job: ModelJob
  key: string
  rule: string
  addedAtMs: number
}

export interface ModelAdded {
  outcome: 'added' | 'joined' | 'known' | 'ended' | 'capped'
  job?: ModelJob
}

export class ModelQueue {
  jobs: ModelJob[] = []
  recipients: ModelRecipient[] = []
  /** Until when the jobs of a bounce sender in a region wait. */
  blocked = new Map<string, number>()
  #place = 0

  /** The outcome of each; all are written, or none when one is refused. */
  add(requests: readonly BounceRequest[], nowMs: number): ModelAdded[] {
    const before = { jobs: [...this.jobs], recipients: [...this.recipients] }
    const added = requests.map(request => this.#addOne(request, nowMs))
    if (added.every(({ outcome }) => outcome !== 'ended' && outcome !== 'capped')) return added
    Object.assign(this, before)
    for (const [index, { outcome, job }] of added.entries()) {
      const { address } = requests[index]?.recipient ?? {}
      if (outcome === 'joined' && job && address !== undefined)
        job.recipients.splice(job.recipients.indexOf(address), 1)
    }
    return added
  }

  #addOne(request: BounceRequest, nowMs: number): ModelAdded {
    const key = addressKey(request.recipient.address)
    const earlier = this.recipients.find(one => one.key === key && one.job.request.sesId === request.sesId)
    if (earlier) return { outcome: hasEnded(earlier.job.state) ? 'ended' : 'known', job: earlier.job }
    const { isUnconfirmed = false } = request.recipient
    const shared = this.jobs.find(
      job =>
        !isUnconfirmed &&
        job.state === 'queued' &&
        !job.alone &&
        (['sesId', 'region', 'bounceSender', 'explanation'] as const).every(
          what => job.request[what] === request[what],
        ),
    )
    for (const cap of request.caps) {
      if (shared !== undefined && cap.by !== 'rule') continue
      if (this.counted(cap.by, cap.key, cap.rate.perMs, nowMs) >= cap.rate.count) return { outcome: 'capped' }
    }
    const job = shared ?? this.#newJob(request, nowMs, isUnconfirmed)
    job.recipients.push(request.recipient.address)
    this.recipients.push({ job, key, rule: request.rule, addedAtMs: nowMs })
    return { outcome: shared ? 'joined' : 'added', job }
  }

  counted(by: 'sender' | 'domain' | 'rule', key: string, perMs: number, nowMs: number): number {
    const sinceMs = nowMs - perMs
    if (by === 'rule')
      return this.recipients.filter(one => one.rule === key && one.addedAtMs > sinceMs).length
    return this.jobs.filter(
      ({ request: { sender, senderKey }, createdAtMs, isCopy }) =>
        !isCopy && createdAtMs > sinceMs && (by === 'sender' ? senderKey : sender.split('@')[1]) === key,
    ).length
  }

  #newJob(request: BounceRequest, nowMs: number, alone: boolean): ModelJob {
    const job: ModelJob = {
      id: '',
      place: ++this.#place,
      state: 'queued',
      request,
      recipients: [],
      createdAtMs: nowMs,
      changedAtMs: nowMs,
      notBeforeMs: 0,
      tries: 0,
      unknownTries: 0,
      interruptions: 0,
      begun: false,
      alone,
      isCopy: false,
    }
    this.jobs.push(job)
    return job
  }

  /** Jobs of the same second count as before it. Later jobs need a spacing for each job before them. */
  ahead(region: string, deadlineMs: number, spacingMs: number): { jobs: number; laterMs: number } {
    const second = (ms: number) => ms - (ms % 1000)
    const waiting = this.queued(region)
    const later = waiting.flatMap(({ request }, n) =>
      second(request.deadlineMs) > second(deadlineMs) ? [second(request.deadlineMs) - spacingMs * n] : [],
    )
    return { jobs: waiting.length - later.length, laterMs: Math.min(...later) }
  }

  /** In the order of their turns. */
  queued(region: string): ModelJob[] {
    return this.jobs
      .filter(job => job.state === 'queued' && job.request.region === region)
      .toSorted((a, b) => a.request.deadlineMs - b.request.deadlineMs || a.place - b.place)
  }

  /** A job that was claimed in the region and never began waits again: the answer was lost. */
  claim(region: string, nowMs: number): ModelJob | undefined {
    for (const job of this.jobs)
      if (job.state === 'sending' && !job.begun && job.request.region === region)
        this.end(job, 'queued', nowMs)
    const job = this.queued(region).find(
      ({ notBeforeMs, request }) =>
        notBeforeMs <= nowMs &&
        request.deadlineMs >= nowMs &&
        (this.blocked.get(`${region} ${request.bounceSender}`) ?? 0) <= nowMs,
    )
    if (job) Object.assign(job, { state: 'sending', begun: false, changedAtMs: nowMs })
    return job
  }

  end(job: ModelJob, state: JobState, nowMs: number): void {
    Object.assign(job, { state, begun: false, changedAtMs: nowMs })
  }

  expire(region: string, beforeMs: number, nowMs: number): ModelJob[] {
    const over = this.queued(region).filter(({ request }) => request.deadlineMs < beforeMs)
    for (const job of over) this.end(job, 'expired', nowMs)
    return over
  }

  /** The first recipient stays; the others get jobs of their own, in the order of their addresses. */
  split(job: ModelJob, nowMs: number): void {
    const [first = '', ...others] = job.recipients.toSorted((a, b) =>
      addressKey(a) < addressKey(b) ? -1 : 1,
    )
    for (const address of others) {
      const copy = this.#newJob(job.request, nowMs, true)
      Object.assign(copy, { isCopy: true, createdAtMs: job.createdAtMs, recipients: [address] })
      for (const one of this.recipients)
        if (one.job === job && one.key === addressKey(address)) one.job = copy
    }
    Object.assign(job, { recipients: [first], alone: true })
    this.end(job, 'queued', nowMs)
  }

  prune(beforeMs: number): number {
    const old = this.jobs.filter(
      job => (job.state === 'sent' || hasEnded(job.state)) && job.changedAtMs < beforeMs,
    )
    this.jobs = this.jobs.filter(job => !old.includes(job))
    this.recipients = this.recipients.filter(({ job }) => !old.includes(job))
    return old.length
  }
}
