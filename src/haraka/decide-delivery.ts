// Decides about a failed delivery: asks the rules, writes bounces and kept mail, and tells Haraka what is left to do.
// Nothing is written once the hook's time is over: Haraka tries the mail again then.

import { commitPlan, type Place } from '../app/commit'
import { deadlineMsOf } from '../app/delivery-deadline'
import { deliveryMode, evaluateDelivery } from '../app/evaluate-delivery'
import { logLine } from '../app/log-line'
import type { PluginRuntime } from '../app/plugin-runtime'
import { linesOf } from '../app/report'
import { forecast } from '../app/submit'
import { systemClock } from '../dispatch/clock'
import { addressKey } from '../mail/address'
import type { Decision } from '../policy/decision'
import { type DeliveryOutcome, type DeliveryWork, hasTries } from './answer-delivery'
import type { DeliveryNote } from './delivery-note'
import { deferredRecipients, type FailedRecipient, refusedRecipients } from './delivery-refusals'
import { type Failed, failedDeliveryOf, pipeQueued } from './failed-delivery'
import { type Deferral, type DeliveryError, logId, type OutboundMail } from './outbound-mail'
import { isSplit } from './split-forward'
import type { HarakaPlugin } from './types'

export interface DeliveryContext {
  plugin: HarakaPlugin
  runtime: PluginRuntime
  mail: OutboundMail
  note: DeliveryNote
  /** There is a new job. */
  wake: () => void
}

const UNTOUCHED: DeliveryOutcome = { kind: 'untouched' }

/** Haraka has given up. */
export function decideGivenUp(context: DeliveryContext, error: DeliveryError): DeliveryWork {
  const { plugin, mail, note } = context
  return async isLate => {
    const failed = refusedRecipients(mail, error, note)
    // nobody would be told of a mail that Haraka deletes
    if (failed.length === 0) return UNTOUCHED
    for (const one of failed) logRefusal(plugin, mail, one)
    if (!isSurge(context, failed)) return decide(context, failed, 'given up', isLate)
    const reason = 'most recipients are refused'
    if (hasTries(mail)) return { kind: 'again', reason, isFault: false }
    return decide(
      context,
      failed.map(one => ({ ...one, stands: one.stands ?? reason })),
      'given up',
      isLate,
    )
  }
}

/** Most recipients were refused lately: the server may be broken. */
function isSurge({ runtime, mail }: DeliveryContext, failed: readonly FailedRecipient[]): boolean {
  const refused = failed.filter(
    ({ refusal, stands, isAnswer }) => isAnswer && stands === undefined && refusal.code >= 500,
  )
  const [first] = refused
  const mode = deliveryMode(runtime.activeConfig(), { isSplit: isSplit(mail) })
  if (first === undefined || mode === 'observe') return false
  return runtime.surges.refused(
    first.refusal,
    refused.map(({ target }) => addressKey(target.address)),
    mail.todo?.domain,
  )
}

/** Haraka is to try again: where that would be too late for a bounce, it is made now. */
export function decideDeferred(context: DeliveryContext, deferral: Deferral): DeliveryWork {
  const { runtime, mail, note } = context
  return async isLate => {
    const { settings } = runtime.activeConfig()
    const { window } = settings.delivery
    if (window === 'keep' || settings.main.mode === 'observe') return UNTOUCHED
    const failed = deferredRecipients(mail, deferral, note)
    const isCertain = failed.every(
      ({ stands, isMixedUp, isAnswer }) =>
        stands === undefined && !isMixedUp && (isAnswer || window === 'bounce'),
    )
    if (!isCertain) return UNTOUCHED
    const nowMs = await runtime.learnTime()
    const deadlineMs = await deadlineMsOf(note, settings.window, nowMs)
    const isLastChance =
      deadlineMs !== undefined && nowMs <= deadlineMs && nowMs + deferral.delay * 1000 > deadlineMs
    return isLastChance ? decide(context, failed, 'deferred', isLate) : UNTOUCHED
  }
}

async function decide(
  { plugin, runtime, mail, note, wake }: DeliveryContext,
  failed: readonly FailedRecipient[],
  moment: 'given up' | 'deferred',
  isLate: () => boolean,
): Promise<DeliveryOutcome> {
  const activeConfig = runtime.activeConfig()
  const { settings, policy } = activeConfig
  const queue = () => {
    if (isLate()) throw new Error('the time for it is over')
    return runtime.queue()
  }
  const nowMs = await runtime.learnTime()
  const delivery = failedDeliveryOf(mail, note, failed, {
    contentLimitBytes: settings.content.limitBytes,
    opensArchives: policy.opensArchives,
    workerThreads: runtime.workerThreads,
    nowMs,
    nowMonoMs: systemClock.monoMs(),
  })
  const mode = deliveryMode(activeConfig, delivery.mail)
  const { evaluation, planner } = await evaluateDelivery(delivery.mail, moment, activeConfig, queue)
  const report = (done: typeof evaluation, jobs: typeof evaluation.known) => {
    runtime.counts.decided(done, mode, jobs)
    for (const { level, text } of linesOf(done, jobs, mode)) plugin[`log${level}`](logId(mail), text)
  }
  const { plan } = evaluation
  if (plan.kind !== 'commit') {
    // a delivery that Haraka only puts off isn't decided
    if (moment === 'given up') report(evaluation, evaluation.known)
    if (mode === 'observe') return UNTOUCHED
    return leftToHaraka(plan.kind === 'refuse' && plan.temporary, evaluation.decisions, delivery)
  }
  const place: Place = {
    store: runtime.mailStore,
    policy,
    settings,
    queue,
    uuid: mail.todo?.uuid ?? '',
    nowMs,
    forecast: forecast(settings, systemClock.monoMs()),
    pipeRaw: to => pipeQueued(mail, to),
    planner,
  }
  const done = await commitPlan(evaluation, plan, place)
  if (done.added.size > 0) wake()
  report(done.evaluation, new Map([...evaluation.known, ...done.added]))
  if (done.quarantined !== undefined)
    plugin.lognotice(logId(mail), logLine({ quarantined: done.quarantined }))
  const { decisions, plan: carriedOut } = done.evaluation
  if (carriedOut.kind !== 'commit')
    return leftToHaraka(carriedOut.kind === 'refuse' && carriedOut.temporary, decisions, delivery)
  const consumed = new Set(carriedOut.consumed)
  return leftToHaraka(
    false,
    decisions.filter(decision => !consumed.has(decision)),
    delivery,
  )
}

function leftToHaraka(
  isTemporary: boolean,
  decisions: readonly Decision[],
  { targetsOf }: Failed,
): DeliveryOutcome {
  if (isTemporary) return { kind: 'again', reason: reasonOf(decisions), isFault: false }
  const own = new Set(decisions.flatMap(({ recipient }) => targetsOf(recipient.envelope)))
  return { kind: 'done', own: [...own] }
}

function reasonOf(decisions: readonly Decision[]): string {
  const { rule, fallback } = decisions.find(({ action }) => action === 'defer') ?? {}
  return logLine({ rule, action: 'defer', because: fallback?.reason, detail: fallback?.detail })
}

function logRefusal(
  plugin: HarakaPlugin,
  mail: OutboundMail,
  { target, refusal, stands, isMixedUp }: FailedRecipient,
) {
  const { by, stage, code, status, reply } = refusal
  const recipient = target.address
  plugin.loginfo(logId(mail), logLine({ refused_by: by, stage, code, status, reply, recipient, stands }))
  if (!isMixedUp) return
  const warning =
    'LMTP: the refusal may be that of another recipient of this delivery; set always_split = true in outbound.ini'
  plugin.logwarn(logId(mail), logLine({ recipient, warning }))
}
