// Evaluates a mail at the queue's time. Before the queue has answered for the first time only the host's is known; mail that
// no rule can concern goes by that, as it never asks the queue. Other mail has asked the queue at the end of its
// evaluation: if the host's time was another one, it is evaluated again.

import type { Content } from '../mail/content'
import type { Eventually, WorkerQueue } from '../queue/store'
import type { EpochMs } from '../units'
import type { ActiveConfig } from './active-config'
import { evaluateMail, type IncomingMail, type MailEvaluation } from './evaluate-mail'

export interface QueueTime {
  nowMs(): EpochMs
  /** False: `nowMs` is the host's time. */
  knowsTime(): boolean
}

/** Clocks that are kept differ by less. */
const SAME_MS = 2000

export function evaluateInTime(
  mail: IncomingMail,
  activeConfig: ActiveConfig,
  queue: () => Eventually<WorkerQueue>,
  time: QueueTime,
): Eventually<MailEvaluation | undefined> {
  if (time.knowsTime()) return evaluateMail(mail, activeConfig, queue)
  return evaluateTwice(mail, activeConfig, queue, time)
}

async function evaluateTwice(
  mail: IncomingMail,
  activeConfig: ActiveConfig,
  queue: () => Eventually<WorkerQueue>,
  time: QueueTime,
): Promise<MailEvaluation | undefined> {
  let read: Promise<Content> | undefined
  const again = withContent(mail, () => (read ??= mail.content()))
  const evaluation = await evaluateMail(again, activeConfig, queue)
  const nowMs = time.nowMs()
  if (evaluation === undefined || !time.knowsTime() || Math.abs(nowMs - mail.nowMs) <= SAME_MS)
    return evaluation
  return evaluateMail({ ...again, nowMs }, activeConfig, queue)
}

/** Copies the mail into a plain object, which can be spread, as `mail` may be an instance of a class. */
function withContent(mail: IncomingMail, content: IncomingMail['content']): IncomingMail {
  const { envelope, headerLines, headerIsCut, ownFields, lineLength, nowMs, nowMonoMs, passedOver } = mail
  return {
    envelope,
    headerLines,
    headerIsCut,
    ownFields,
    lineLength,
    nowMs,
    nowMonoMs,
    content,
    results: path => mail.results(path),
    search: mail.search,
    passedOver,
    ...(mail.isAsked && { isAsked: mail.isAsked }),
  }
}
