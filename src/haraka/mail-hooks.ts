// Hooks from data_post to queue: the rules decide about the mail, and the decisions are carried out when no other plugin has
// refused it.

import type { MailEvaluation } from '../app/evaluate-mail'
import { logLine } from '../app/log-line'
import { PassedOverSamples } from '../app/passed-over'
import type { CommitPlan } from '../app/plan'
import { planFor } from '../app/plan'
import { refusedTogether } from '../app/refused-mail'
import { linesOf } from '../app/report'
import { systemClock } from '../dispatch/clock'
import type { Eventually } from '../eventually'
import type { MailFacts } from '../mail/facts'
import { carryOut } from './carry-out'
import { evaluateTransaction, type TransactionToEvaluate } from './evaluate-transaction'
import type { HeldRefusals } from './held-refusals'
import { answerHook, type HookAnswer, NEXT_PLUGIN } from './hook-answer'
import { targetsOf } from './incoming-mail'
import { againLater, logLines, refusalAnswer, WOULD_BE_DELIVERED } from './mail-answer'
import { NeverRelays } from './never-relays'
import type { PluginContext } from './plugin-context'
import type { Targets } from './rcpt-commands'
import type { RecipientHooks } from './recipient-hooks'
import type { HarakaAddress, HarakaConnection, HarakaPlugin, HarakaTransaction, Next } from './types'
import { UnclosedRelays } from './unclosed-relays'
import { isFromSes, UntrustedPeers } from './untrusted-peers'

/** Decisions that are to be carried out. */
export interface Pending {
  evaluation: MailEvaluation
  plan: CommitPlan
  /** The recipients of each decision in the transaction, in the decisions' order. */
  targets: readonly (readonly HarakaAddress[])[]
}

type TransactionOfMail = Omit<TransactionToEvaluate, 'recipients'>

export class MailHooks {
  readonly #context: PluginContext
  readonly #recipients: RecipientHooks
  /** Decisions that wait between the hooks data_post and queue. */
  readonly #pending = new WeakMap<HarakaTransaction, Pending>()
  readonly #unclosedRelays = new UnclosedRelays()
  readonly #neverRelays = new NeverRelays()
  readonly #samples = new PassedOverSamples()
  readonly #untrustedPeers = new UntrustedPeers()

  constructor(context: PluginContext, recipients: RecipientHooks) {
    this.#context = context
    this.#recipients = recipients
  }

  /** Hook data_post: decides about the mail. Other plugins may still refuse it afterwards. */
  decide(plugin: HarakaPlugin, next: Next, connection: HarakaConnection): void {
    const { refusals, releases } = this.#context
    const { transaction } = connection
    const held = refusals.of(transaction)
    const isExempt =
      held === undefined && (this.#context.isOthers(connection) || releases.isReleased(connection))
    if (!transaction || isExempt) {
      if (this.#untrustedPeers.takes()) this.#lookAtPeer(plugin, connection)
      next()
      return
    }
    answerHook(this.#context.afterData(plugin, connection, next), () =>
      this.#decided({ plugin, connection, transaction }, held),
    )
  }

  #decided(mail: TransactionOfMail, held: HeldRefusals | undefined): Eventually<HookAnswer> {
    const { refusals, runtime } = this.#context
    const { plugin, connection, transaction } = mail
    if (runtime.activeConfig().asksAboutRefusals) refusals.decides(transaction)
    const why = held && refusals.whyNotNow(connection, held)
    if (why !== undefined) return againLater(plugin, connection, why)
    this.#recipients.noteAccepted(transaction, 'data')
    runtime.counts.inspected()
    const recipients = refusals.recipients(transaction)
    this.#countNever(mail, recipients)
    const passedOver = (facts: MailFacts) => this.#passedOver(mail, facts)
    // not spread: that makes a hidden class for each mail
    const question = { plugin, connection, transaction, recipients, passedOver }
    const evaluation = evaluateTransaction(this.#context, question)
    if (evaluation === undefined && held === undefined) return NEXT_PLUGIN
    const answer = (known: MailEvaluation | undefined): HookAnswer => {
      if (held) held.isSettled = true
      return known ? this.#answerFor(mail, recipients, known, held) : NEXT_PLUGIN
    }
    return evaluation instanceof Promise ? evaluation.then(answer) : answer(evaluation)
  }

  #answerFor(
    { plugin, connection, transaction }: TransactionOfMail,
    recipients: readonly Targets<HarakaAddress>[],
    evaluation: MailEvaluation,
    held: HeldRefusals | undefined,
  ): HookAnswer {
    const { runtime } = this.#context
    this.#warnOfRelay(plugin, connection, evaluation.facts)
    const { plan } = evaluation
    if (plan.kind === 'commit') {
      // `commit` logs these decisions, as it knows their jobs
      const targets = recipients.map(one => one.targets)
      this.#context.hooks.forCommit()
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

  /** Hooks queue and queue_outbound, after all others: a queue plugin has refused the rest of the mail. */
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

  #passedOver({ plugin, connection }: TransactionOfMail, facts: MailFacts): void {
    if (!this.#samples.takes(systemClock.monoMs())) return
    this.#context.runtime.counts.onlyRecipient(facts)
    this.#warnOfRelay(plugin, connection, facts)
  }

  /** Never throws. */
  #lookAtPeer(plugin: HarakaPlugin, connection: HarakaConnection): void {
    const { remote, transaction } = connection
    if (!transaction || !this.#context.isOthers(connection) || !isFromSes(transaction)) return
    this.#context.runtime.counts.untrusted()
    const warning = this.#untrustedPeers.hint(remote.ip, systemClock.monoMs())
    if (warning !== undefined) plugin.lognotice(connection, logLine({ warning }))
  }

  #countNever(
    { plugin, connection }: TransactionOfMail,
    recipients: readonly Targets<HarakaAddress>[],
  ): void {
    const isNever = recipients.length > 0 && recipients.every(({ command }) => command?.notifyNever === true)
    if (isNever) this.#context.runtime.counts.notifyNever()
    const warning = this.#neverRelays.note(connection.remote.ip, isNever, systemClock.monoMs())
    if (warning !== undefined) plugin.logwarn(connection, logLine({ warning }))
  }

  #warnOfRelay(plugin: HarakaPlugin, connection: HarakaConnection, { receipt }: MailFacts): void {
    const warning = this.#unclosedRelays.note(connection.remote.ip, receipt, systemClock.monoMs())
    if (warning !== undefined) plugin.logwarn(connection, logLine({ warning }))
  }
}
