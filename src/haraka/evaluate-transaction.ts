// Has the rules decide about a transaction of Haraka.

import { evaluateInTime } from '../app/evaluate-in-time'
import type { IncomingMail, MailEvaluation } from '../app/evaluate-mail'
import { resultsOf } from '../app/report'
import { systemClock } from '../dispatch/clock'
import type { Eventually } from '../eventually'
import { errorText } from './error-text'
import { incomingMailOf } from './incoming-mail'
import type { PluginContext } from './plugin-context'
import type { RcptCommand, Targets } from './rcpt-commands'
import type { HarakaAddress, HarakaConnection, HarakaPlugin, HarakaTransaction } from './types'

export interface TransactionToEvaluate {
  plugin: HarakaPlugin
  connection: HarakaConnection
  transaction: HarakaTransaction
  recipients: readonly Targets<HarakaAddress>[]
  passedOver?: IncomingMail['passedOver']
}

/** Undefined: no rule can hold for the mail; or, with `mode = observe`, it couldn't be evaluated. */
export function evaluateTransaction(
  { runtime, refusals, deliveries }: PluginContext,
  { plugin, connection, transaction, recipients, passedOver }: TransactionToEvaluate,
): Eventually<MailEvaluation | undefined> {
  const activeConfig = runtime.activeConfig()
  const held = refusals.of(transaction)
  const mail = incomingMailOf(connection, transaction, {
    recipients,
    refusalsOf: held && ((command: RcptCommand | undefined) => held.of(command)),
    contentLimitBytes: activeConfig.settings.content.limitBytes,
    opensArchives: activeConfig.policy.opensArchives,
    workerThreads: runtime.workerThreads,
    nowMs: runtime.nowMs(),
    nowMonoMs: () => systemClock.monoMs(),
    passedOver,
  })
  deliveries.note(plugin, connection, mail, recipients)
  const done = (evaluation: MailEvaluation | undefined) => {
    if (evaluation) transaction.results.add(plugin, resultsOf(evaluation))
    return evaluation
  }
  const failed = (error: unknown): undefined => {
    if (activeConfig.settings.main.mode === 'enforce') throw error
    plugin.logwarn(connection, `mode=observe, else a temporary refusal: ${errorText(error)}`)
  }
  try {
    const evaluation = evaluateInTime(mail, activeConfig, () => runtime.queue(), runtime)
    return evaluation instanceof Promise ? evaluation.then(done).catch(failed) : done(evaluation)
  } catch (error) {
    return failed(error)
  }
}
