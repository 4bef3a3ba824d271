// Hooks at MAIL, RCPT and DATA: notes the recipients that the relay's commands name, and keeps refusals by other plugins from
// the relay where a rule may be about them.

import { denysoft, ok } from 'haraka-constants'
import { addressKey } from '../mail/address'
import type { RefusalStage } from '../mail/refusal'
import { errorText } from './error-text'
import { answerHook, NEXT_PLUGIN, TRY_LATER } from './hook-answer'
import { targetsOf } from './incoming-mail'
import type { PluginContext } from './plugin-context'
import { RcptCommands } from './rcpt-commands'
import type {
  DenyParams,
  HarakaAddress,
  HarakaConnection,
  HarakaPlugin,
  HarakaTransaction,
  Next,
} from './types'

export class RecipientHooks {
  readonly #context: PluginContext

  readonly #severalBegin: () => void

  /** `severalBegin`: called with the second RCPT TO of each mail; `end` is needed from then on. */
  constructor(context: PluginContext, severalBegin: () => void) {
    this.#context = context
    this.#severalBegin = severalBegin
  }

  /** Hook rcpt, before any other plugin: notes the recipient that the relay's command names. */
  note(connection: HarakaConnection, address: HarakaAddress, options: Record<string, unknown>): void {
    const { transaction } = connection
    if (!transaction) return
    const { commands, refusals, releases } = this.#context
    releases.begins(connection, transaction)
    if (this.#context.isOthers(connection)) return
    const known = commands.get(transaction) ?? new RcptCommands()
    commands.set(transaction, known)
    const notify = options['NOTIFY']
    const notifyNever = typeof notify === 'string' && notify.toUpperCase() === 'NEVER'
    known.add(address, notifyNever, transaction.rcpt_to)
    if (known.count === 2) this.#severalBegin()
    refusals.rcptBegins(connection, transaction)
  }

  /** Hook rcpt, after all others: no plugin has accepted the recipient, or one has refused it. `method`: ours. */
  acceptRefused(plugin: HarakaPlugin, next: Next, connection: HarakaConnection, method: string): void {
    const { refusals } = this.#context
    answerHook(this.#context.hookCall(plugin, connection, next), () => {
      if (refusals.yields(plugin, connection, method)) return NEXT_PLUGIN
      const fate = refusals.unclaimed(plugin, connection)
      if (fate === 'later') return { code: denysoft, text: TRY_LATER }
      return fate === 'held' ? { code: ok } : NEXT_PLUGIN
    })
  }

  /** Hook rcpt_ok: a refused recipient is handed to no other plugin. */
  keepFromOthers(plugin: HarakaPlugin, next: Next, connection: HarakaConnection): void {
    answerHook(this.#context.hookCall(plugin, connection, next), () => {
      this.#context.refusals.keepFromOthers(connection)
      return NEXT_PLUGIN
    })
  }

  /** Hook deny: another plugin refuses. Haraka would hang on any answer but OK and none, and on one that comes later. */
  holdRefusal(plugin: HarakaPlugin, next: Next, connection: HarakaConnection, params: DenyParams): void {
    const { refusals, runtime } = this.#context
    let isHeld = false
    try {
      if (params[2] === plugin.name) refusals.insists(connection, params[5])
      else isHeld = refusals.holds(plugin, connection, params)
    } catch (error) {
      runtime.counts.faulted()
      plugin.logerror(connection, `a refusal goes out as it came: ${errorText(error)}`)
    }
    next(isHeld ? ok : undefined)
  }

  /** Hook data: plugins that replace the last command's recipient have done so by now. With one command all are its. */
  end(transaction: HarakaTransaction): void {
    this.#context.commands.get(transaction)?.end(transaction.rcpt_to)
  }

  /**
   * At these stages plugins have accepted all recipients that weren't refused, so one that refuses now isn't broken.
   */
  noteAccepted(transaction: HarakaTransaction, ...stages: readonly RefusalStage[]): void {
    const { commands, refusals, runtime } = this.#context
    const { asksAboutRefusals, settings } = runtime.activeConfig()
    if (!asksAboutRefusals || settings.refusals.surge === undefined) return
    const ofMail = commands.get(transaction)
    if (ofMail === undefined) return
    const held = refusals.of(transaction)
    const recipients: string[] = []
    for (const { command, targets } of targetsOf(transaction, ofMail)) {
      if (!held?.has(command)) recipients.push(addressKey(command?.address ?? targets[0]?.address ?? ''))
    }
    for (const stage of stages) runtime.surges.accepted(stage, recipients)
  }
}
