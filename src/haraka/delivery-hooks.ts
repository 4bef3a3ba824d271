// Haraka's hooks about mail that it delivers itself: notes the facts for a bounce, follows each try, and decides when a
// delivery fails. Mail without a note is Haraka's business alone.

import { denysoft, ok } from 'haraka-constants'
import type { ActiveConfig } from '../app/active-config'
import { deliveryMode } from '../app/evaluate-delivery'
import type { IncomingMail } from '../app/evaluate-mail'
import type { PluginRuntime } from '../app/plugin-runtime'
import { addressKey } from '../mail/address'
import { asksDelivery } from '../policy/asks-delivery'
import { answerBounce, answerDeferred, wasSentBack } from './answer-delivery'
import { type DeliveryContext, decideDeferred, decideGivenUp } from './decide-delivery'
import { type DeliveryNote, deliveryNoteOf, readDeliveryNote, writeDeliveryNote } from './delivery-note'
import { followDelivery } from './delivery-progress'
import { errorText } from './error-text'
import { type Deferral, type DeliveryError, logId, type OutboundMail } from './outbound-mail'
import type { Targets } from './rcpt-commands'
import type { HooksToAdd } from './register-hooks'
import { forwardExchange, isSplit, type Outbound, splitForward } from './split-forward'
import type { HarakaAddress, HarakaConnection, HarakaPlugin, HarakaTransaction, Next } from './types'

export class DeliveryHooks {
  readonly #runtime: PluginRuntime
  readonly #hooks: Pick<HooksToAdd, 'forCommit'>
  readonly #wake: () => void
  /** Notes of mail that queue/smtp_forward would refuse for all recipients at once. */
  readonly #toSplit = new WeakMap<HarakaTransaction, DeliveryNote>()

  /** `hooks.forCommit` is called before a mail is split, `wake` for a new job. */
  constructor(runtime: PluginRuntime, hooks: Pick<HooksToAdd, 'forCommit'>, wake: () => void) {
    this.#runtime = runtime
    this.#hooks = hooks
    this.#wake = wake
  }

  /** Hook data_post: for the day on which the mail's delivery fails. */
  note(
    plugin: HarakaPlugin,
    connection: HarakaConnection,
    mail: IncomingMail,
    recipients: readonly Targets<HarakaAddress>[],
  ): void {
    const { transaction } = connection
    const activeConfig = this.#runtime.activeConfig()
    const isAsked = asksDelivery(activeConfig.policy).delivery
    const isToSplit = transaction !== null && transaction.rcpt_to.length > 1 && splits(activeConfig)
    if (!transaction || !(isAsked || isToSplit)) return
    const note = deliveryNoteOf(mail, recipients)
    if (note && isAsked) writeDeliveryNote(transaction, note)
    if (note && isToSplit) {
      this.#hooks.forCommit()
      this.#toSplit.set(transaction, note)
    }
    if (!note) plugin.lognotice(connection, 'the header is too long for a bounce of a failed delivery')
  }

  /** Hooks queue and queue_outbound: a server behind Haraka is to refuse each recipient alone. */
  split(plugin: HarakaPlugin, next: Next, connection: HarakaConnection): void {
    try {
      const { transaction } = connection
      const note = transaction && this.#toSplit.get(transaction)
      if (note && transaction.rcpt_to.length > 1)
        splitForward(connection, plugin.haraka_require('outbound') as Outbound, plugin, note)
    } catch (error) {
      plugin.logerror(connection, `temporary refusal: ${errorText(error)}`)
      next(denysoft)
      return
    }
    next()
  }

  /** Hook get_mx, before each try. */
  follow(plugin: HarakaPlugin, next: Next, mail: OutboundMail): void {
    let servers: unknown
    try {
      if (this.#noteOf(mail)) followDelivery(mail)
      servers = forwardExchange(mail)
    } catch (error) {
      plugin.logerror(logId(mail), `the delivery isn't followed: ${errorText(error)}`)
    }
    if (servers === undefined) next()
    else next(ok, servers)
  }

  /** Hook bounce: Haraka has given up, and would send its own DSN. */
  givenUp(plugin: HarakaPlugin, next: Next, mail: OutboundMail, error: DeliveryError): void {
    const context = this.#contextOf(plugin, mail)
    if (context === undefined) next()
    else {
      const mode = deliveryMode(this.#runtime.activeConfig(), { isSplit: isSplit(mail) })
      answerBounce({ plugin, mail, next, isObserved: mode === 'observe' }, decideGivenUp(context, error))
    }
  }

  /** Hook deferred: Haraka is to try again. */
  deferred(plugin: HarakaPlugin, next: Next, mail: OutboundMail, deferral: Deferral): void {
    const context = wasSentBack(mail) ? undefined : this.#contextOf(plugin, mail)
    if (context === undefined) next()
    else answerDeferred({ plugin, mail, next }, decideDeferred(context, deferral))
  }

  /** Hook delivered: a server has accepted these recipients. */
  delivered(plugin: HarakaPlugin, next: Next, mail: OutboundMail, recipients: unknown): void {
    try {
      const { surges } = this.#runtime
      if (this.#noteOf(mail) && Array.isArray(recipients))
        surges.accepted(
          'delivery',
          (recipients as HarakaAddress[]).map(({ address }) => addressKey(address)),
          mail.todo?.domain,
        )
    } catch (error) {
      plugin.logerror(logId(mail), `a delivery isn't counted: ${errorText(error)}`)
    }
    next()
  }

  /** Undefined: not mail of a trusted relay, or no rule was about its delivery when it came. */
  #noteOf({ todo }: OutboundMail): DeliveryNote | undefined {
    return todo === null || this.#runtime.activeConfig().idle ? undefined : readDeliveryNote(todo.notes)
  }

  #contextOf(plugin: HarakaPlugin, mail: OutboundMail): DeliveryContext | undefined {
    const note = this.#noteOf(mail)
    return note && { plugin, runtime: this.#runtime, mail, note, wake: this.#wake }
  }
}

/** [delivery] split. */
function splits({ settings, policy }: ActiveConfig): boolean {
  const { split } = settings.delivery
  if (settings.main.mode === 'observe') return false
  return split === 'auto' ? asksDelivery(policy).forward : split === 'true'
}
