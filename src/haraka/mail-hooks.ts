// Hooks from data_post to queue: the rules decide about the mail, and the decisions are carried out when no other plugin has
// refused it.

import type { MailEvaluation } from '../app/evaluate-mail'
import { logLine } from '../app/log-line'
import type { CommitPlan } from '../app/plan'
import { planFor } from '../app/plan'
import { refusedTogether } from '../app/refused-mail'
import { linesOf } from '../app/report'
import { systemClock } from '../dispatch/clock'
import { type Eventually, run, type Steps, wait } from '../eventually'
import { carryOut } from './carry-out'
import { evaluateTransaction } from './evaluate-transaction'
import type { HeldRefusals } from './held-refusals'
import { answerHook, type HookAnswer, NEXT_PLUGIN } from './hook-answer'
import { targetsOf } from './incoming-mail'
import { againLater, logLines, refusalAnswer, WOULD_BE_DELIVERED } from './mail-answer'
import type { PluginContext } from './plugin-context'
import type { RecipientHooks } from './recipient-hooks'
import type { HarakaAddress, HarakaConnection, HarakaPlugin, HarakaTransaction, Next } from './types'
import { UnclosedRelays } from './unclosed-relays'

/** Decisions that are to be carried out. */
export interface Pending {
  evaluation: MailEvaluation
  plan: CommitPlan
  /** For each decision, in order, its recipients in the transaction. */
  targets: readonly (readonly HarakaAddress[])[]
}

export class MailHooks {
  readonly #context: PluginContext
  readonly #recipients: RecipientHooks
  /** Decisions that wait between the hooks data_post and queue. */
  readonly #pending = new WeakMap<HarakaTransaction, Pending>()
  readonly #unclosedRelays = new UnclosedRelays()

  constructor(context: PluginContext, recipients: RecipientHooks) {
    this.#context = context
    this.#recipients = recipients
  }

  /** Hook data_post: decides about the mail. Other plugins may still refuse it afterwards. */
  decide(plugin: HarakaPlugin, next: Next, connection: HarakaConnection): void {
    const held = this.#context.refusals.of(connection.transaction)
    if (
      held === undefined &&
      (this.#context.isOthers(connection) || this.#context.releases.isReleased(connection))
    )
      next()
    else
      answerHook(this.#context.afterData(plugin, connection, next), () =>
        run(this.#decideInSteps(plugin, connection, held)),
      )
  }

  *#decideInSteps(
    plugin: HarakaPlugin,
    connection: HarakaConnection,
    held: HeldRefusals | undefined,
  ): Steps<HookAnswer> {
    const { refusals, runtime } = this.#context
    const { transaction } = connection
    if (!transaction) return NEXT_PLUGIN
    refusals.decides(transaction)
    const why = held && refusals.whyNotNow(connection, held)
    if (why !== undefined) return againLater(plugin, connection, why)
    this.#recipients.noteAccepted(transaction, 'data')
    runtime.counts.inspected()
    const recipients = refusals.recipients(transaction)
    const evaluation = yield* wait(
      evaluateTransaction(this.#context, { plugin, connection, transaction, recipients }),
    )
    if (held) held.isSettled = true
    if (!evaluation) return NEXT_PLUGIN
    this.#warnOfRelay(plugin, connection, evaluation)
    const { plan } = evaluation
    if (plan.kind === 'commit') {
      // `commit` logs these decisions, as it knows their jobs
      const targets = recipients.map(one => one.targets)
      this.#pending.set(transaction, { evaluation, plan, targets })
      return NEXT_PLUGIN
    }
    const { mode } = runtime.activeConfig().settings.main
    runtime.counts.evaluated(evaluation, mode)
    logLines(plugin, connection, linesOf(evaluation, evaluation.known, mode))
    if (plan.kind === 'pass') return NEXT_PLUGIN
    return refusalAnswer(plan, evaluation, runtime.activeConfig(), held)
  }

  /** Hooks queue and queue_outbound: no other plugin has refused the mail, so the decisions are carried out. */
  commit(plugin: HarakaPlugin, next: Next, connection: HarakaConnection): void {
    const { deliveries, refusals } = this.#context
    const { transaction } = connection
    // a server behind Haraka is to refuse each recipient alone
    const goOn = () => deliveries.split(plugin, next, connection)
    const held = refusals.of(transaction)
    const waiting = transaction ? this.#pending.get(transaction) : undefined
    if (!transaction || (!waiting && !held)) {
      goOn()
      return
    }
    const answer: Next = (code, text) => (code === undefined ? goOn() : next(code, text))
    answerHook(this.#context.afterData(plugin, connection, answer), (): Eventually<HookAnswer> => {
      const why = held && this.#whyNotQueued(connection, held)
      if (why !== undefined) return againLater(plugin, connection, why)
      if (waiting) return carryOut(this.#context, { plugin, connection, transaction }, waiting)
      if (held && refusals.isLeft(transaction, held)) throw new Error(WOULD_BE_DELIVERED)
      return NEXT_PLUGIN
    })
  }

  /** Hooks queue and queue_outbound, after all others: a queue plugin has refused what is left of the mail. */
  settleQueueRefusal(plugin: HarakaPlugin, next: Next, connection: HarakaConnection, method: string): void {
    const { refusals } = this.#context
    const { transaction } = connection
    const held = refusals.of(transaction)
    if (!transaction || !held || held.isSettled) {
      refusals.yields(plugin, connection, method)
      next()
      return
    }
    answerHook(this.#context.afterData(plugin, connection, next), () =>
      this.#settled(plugin, connection, transaction, held),
    )
  }

  async #settled(
    plugin: HarakaPlugin,
    connection: HarakaConnection,
    transaction: HarakaTransaction,
    held: HeldRefusals,
  ): Promise<HookAnswer> {
    const { commands, refusals, runtime } = this.#context
    const why = refusals.whyNotNow(connection, held)
    if (why !== undefined) return againLater(plugin, connection, why)
    const recipients = targetsOf(transaction, commands.get(transaction))
    const found = await evaluateTransaction(this.#context, { plugin, connection, transaction, recipients })
    if (!found) throw new Error('no rule was asked about the refusal of a queue plugin')
    const isOne = transaction.rcpt_to.length === 1
    const decisions = isOne ? found.decisions : refusedTogether(found.decisions)
    const evaluation = { ...found, decisions, plan: planFor(decisions) }
    const { plan } = evaluation
    if (plan.kind === 'pass') throw new Error('a refused recipient was accepted')
    held.isSettled = true
    if (plan.kind === 'commit') {
      const targets = recipients.map(one => one.targets)
      return carryOut(this.#context, { plugin, connection, transaction }, { evaluation, plan, targets })
    }
    runtime.counts.evaluated(evaluation, 'enforce')
    logLines(plugin, connection, linesOf(evaluation, evaluation.known, 'enforce'))
    return refusalAnswer(plan, evaluation, runtime.activeConfig(), held)
  }

  /** The reason why a mail with refused recipients must not be queued: plugins behind ours may have changed it. */
  #whyNotQueued(connection: HarakaConnection, held: HeldRefusals): string | undefined {
    return held.isSettled
      ? this.#context.refusals.whyNotNow(connection, held)
      : 'another one has ended data_post before the rules were asked'
  }

  #warnOfRelay(plugin: HarakaPlugin, connection: HarakaConnection, { facts }: MailEvaluation): void {
    const warning = this.#unclosedRelays.note(connection.remote.ip, facts.receipt, systemClock.monoMs())
    if (warning !== undefined) plugin.logwarn(connection, logLine({ warning }))
  }
}
