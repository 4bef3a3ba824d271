// Has the rules decide about a transaction of Haraka.

import { evaluateInTime } from '../app/evaluate-in-time'
import type { MailEvaluation } from '../app/evaluate-mail'
import { resultsOf } from '../app/report'
import { systemClock } from '../dispatch/clock'
import { type Eventually, run, type Steps, wait } from '../eventually'
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
}

/** Undefined: no rule can hold for the mail; or, with `mode = observe`, it couldn't be evaluated. */
export function evaluateTransaction(
  context: PluginContext,
  mail: TransactionToEvaluate,
): Eventually<MailEvaluation | undefined> {
  return run(evaluateInSteps(context, mail))
}

function* evaluateInSteps(
  { runtime, refusals, deliveries }: PluginContext,
  { plugin, connection, transaction, recipients }: TransactionToEvaluate,
): Steps<MailEvaluation | undefined> {
  const activeConfig = runtime.activeConfig()
  const held = refusals.of(transaction)
  const mail = incomingMailOf(connection, transaction, {
    recipients,
    ...(held && { refusalsOf: (command: RcptCommand | undefined) => held.of(command) }),
    contentLimitBytes: activeConfig.settings.content.limitBytes,
    opensArchives: activeConfig.policy.opensArchives,
    workerThreads: runtime.workerThreads,
    nowMs: runtime.nowMs(),
    nowMonoMs: systemClock.monoMs(),
  })
  deliveries.note(plugin, connection, mail, recipients)
  try {
    const evaluation = yield* wait(evaluateInTime(mail, activeConfig, () => runtime.queue(), runtime))
    if (evaluation) transaction.results.add(plugin, resultsOf(evaluation))
    return evaluation
  } catch (error) {
    if (activeConfig.settings.main.mode === 'enforce') throw error
    plugin.logwarn(connection, `mode=observe, else a temporary refusal: ${errorText(error)}`)
    return undefined
  }
}
