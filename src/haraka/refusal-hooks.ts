// Refusals by other plugins, and recipients that no plugin accepts: where a rule may be about them, the relay hears 250, and
// the rules decide when the whole mail is there. In doubt a refusal goes out as it came.
// Haraka calls the hook `deny` for every refusal. OK keeps it from the relay, and the other plugins of its hook go on.

import { deny } from 'haraka-constants'
import { NOBODY } from '../mail/refusing-plugins'
import { asksNobody } from '../policy/asks-nobody'
import type { HeldRefusals } from './held-refusals'
import { targetsOf } from './incoming-mail'
import { countErrors, hasError } from './plugin-results'
import type { RcptCommands, Targets } from './rcpt-commands'
import { RcptState } from './rcpt-state'
import { type HarakaRefusal, isRefusingHook, readRefusal } from './read-refusal'
import { type LastMethods, RefusalFates, withoutOthers } from './refusal-fates'
import { type Asked, type Fate, RefusalKeeper, type RefusalKeeperOptions } from './refusal-keeper'
import { wordsOfHaraka, wordsOfNobody } from './refusal-words'
import { TransactionMap } from './transaction-map'
import type { DenyParams, HarakaAddress, HarakaConnection, HarakaPlugin, HarakaTransaction } from './types'

export interface RefusalHooksOptions extends RefusalKeeperOptions {
  /** The peer isn't a trusted relay, or the mail is released from the quarantine: refusals stand. */
  isExempt: (connection: HarakaConnection) => boolean
  commandsOf: (transaction: HarakaTransaction) => RcptCommands<HarakaAddress> | undefined
  /** Our last methods at the hooks rcpt and queue. */
  lastMethods: LastMethods
  /** Our method that refuses for now, at whatever hook. */
  laterMethod: string
}

export class RefusalHooks {
  readonly #options: RefusalHooksOptions
  readonly #keeper: RefusalKeeper
  readonly #fates: RefusalFates
  /** Number of errors that plugins had noted when the hooks of the last RCPT TO began. */
  readonly #errors = new TransactionMap<number>()

  constructor(options: RefusalHooksOptions) {
    this.#options = options
    this.#keeper = new RefusalKeeper(options)
    this.#fates = new RefusalFates(this.#keeper, options.lastMethods)
  }

  /** Undefined: the relay has heard every refusal so far. */
  of(transaction: HarakaTransaction | null): HeldRefusals | undefined {
    return this.#keeper.of(transaction)
  }

  /** The reason why the rules can't decide about refusals that were held back. Undefined: they can. */
  whyNotNow(connection: HarakaConnection, held: HeldRefusals): string | undefined {
    const { transaction } = connection
    if (held.config !== this.#options.activeConfig()) return 'the configuration has changed since'
    if (this.#options.isExempt(connection)) return 'the relay is not trusted any more'
    const left = new Set(transaction ? this.#rcpt(transaction).left : [])
    return left.has(undefined) && held.commands.some(command => !left.has(command))
      ? 'another plugin has replaced recipients, so the refused ones are not known'
      : undefined
  }

  /** Whether a recipient that was refused is still in the transaction. */
  isLeft(transaction: HarakaTransaction, held: HeldRefusals): boolean {
    return this.#rcpt(transaction).left.some(command => held.has(command))
  }

  /** To be called when the hooks of a RCPT TO begin. */
  rcptBegins(connection: HarakaConnection, transaction: HarakaTransaction): void {
    const { asksAboutRefusals, policy } = this.#options.activeConfig()
    // nothing else compares them
    if (asksAboutRefusals && asksNobody(policy))
      this.#errors.set(transaction, countErrors([transaction.results, connection.results]))
  }

  /** To be called at data_post: from now on refusals of the mail go out. */
  decides(transaction: HarakaTransaction): void {
    this.#fates.decided.set(transaction, true)
  }

  /** Hook rcpt_ok, before all others: they aren't called for a recipient that was refused. */
  keepFromOthers(connection: HarakaConnection): void {
    const held = this.of(connection.transaction)
    if (!connection.transaction || !held?.has(this.#rcpt(connection.transaction).current)) return
    const others = connection.hooks_to_run ?? []
    connection.hooks_to_run = withoutOthers(others)
    held.keepUnaware(others)
  }

  /**
   * Our last hooks at rcpt and queue: plugins of the same priority that stand below ours in config/plugins come first. True:
   * Haraka calls ours again.
   */
  yields(plugin: HarakaPlugin, connection: HarakaConnection, method: string): boolean {
    const { hooks_to_run: hooks = [] } = connection
    if (hooks.length === 0 || !this.#isAsked(connection)) return false
    hooks.push([plugin, method])
    return true
  }

  /** Hook rcpt, after all others: no plugin has accepted the recipient. */
  unclaimed(plugin: HarakaPlugin, connection: HarakaConnection): Fate {
    const { transaction } = connection
    if (!transaction) return 'stands'
    const rcpt = this.#rcpt(transaction)
    const command = rcpt.current
    if (command === undefined) return 'stands'
    if (this.#keeper.of(transaction)?.hasOwn(command)) return 'held'
    // Haraka accepts every recipient of a peer that may relay
    if (connection.relaying || !this.#isAsked(connection)) return 'stands'
    const raw: HarakaRefusal = { plugin: NOBODY, hook: 'rcpt', retval: deny, message: wordsOfNobody(command) }
    const asked = { plugin, connection, transaction, rcpt, raw }
    const { refusal } = readRefusal(raw)
    const errors = countErrors([transaction.results, connection.results])
    // a directory that fails looks like one that doesn't know the recipient
    if (errors > (this.#errors.get(transaction) ?? 0))
      return this.#keeper.letStand(asked, refusal, 'a plugin noted an error', command)
    return this.#keeper.keep(asked, refusal, [command], command)
  }

  /** Hook deny for our own refusals: plugins such as karma and delay_deny would override them, and Haraka deliver the mail. */
  insists(connection: HarakaConnection, hook: string): void {
    connection.hooks_to_run = []
    if (connection.transaction) this.#noteHeard(connection.transaction, hook)
  }

  /** All recipients to decide about: also refused ones that another plugin has removed, as the relay has heard 250 for them. */
  recipients(transaction: HarakaTransaction): Targets<HarakaAddress>[] {
    const found = targetsOf(transaction, this.#options.commandsOf(transaction))
    const held = this.#keeper.of(transaction)
    if (held === undefined) return found
    const present = new Set(found.map(({ command }) => command))
    const missing = held.commands.filter(one => !present.has(one) && !held.heard.has(one))
    return [...found, ...missing.map(command => ({ command, targets: [] }))]
  }

  /** Hook deny, whose answer must come at once, or Haraka hangs. True: OK. */
  holds(plugin: HarakaPlugin, connection: HarakaConnection, params: DenyParams): boolean {
    const [retval, message, by, , , hook] = params
    // Haraka calls it for outbound deliveries, too, which are no connections
    if (!isRefusingHook(hook)) return false
    const { transaction } = connection
    if (!transaction || !this.#isAsked(connection)) return false
    const raw = { plugin: by, hook, retval, message: message || wordsOfHaraka(hook, transaction) }
    const asked = { plugin, connection, transaction, rcpt: this.#rcpt(transaction), raw }
    const { refusal: said, isTemporary } = readRefusal(raw)
    if (isTemporary) {
      this.#noteHeard(transaction, hook)
      return false
    }
    const refusal = hasError([transaction.results, connection.results], by)
      ? { ...said, hasError: true as const }
      : said
    if (this.#isForWantOfRecipients(asked)) return true
    const fate = this.#fates.of(asked, refusal)
    if (fate === 'stands') this.#noteHeard(transaction, hook)
    // Haraka calls it in place of the plugins that are left, and the relay hears its answer
    if (fate === 'later') connection.saved_hooks_to_run = [[plugin, this.#options.laterMethod]]
    return fate !== 'stands'
  }

  /** The relay hears a refusal at this hook. */
  #noteHeard(transaction: HarakaTransaction, hook: string): void {
    const { current } = this.#rcpt(transaction)
    if ((hook === 'rcpt' || hook === 'rcpt_ok') && current) this.#keeper.of(transaction)?.heard.add(current)
  }

  /** A proxy refuses DATA because it was told of no recipient, as all of them were refused. */
  #isForWantOfRecipients({ transaction, rcpt, raw }: Asked): boolean {
    const held = this.#keeper.of(transaction)
    if (held === undefined || raw.hook !== 'data' || !held.unaware.has(raw.plugin)) return false
    return rcpt.left.every(command => held.has(command))
  }

  #isAsked(connection: HarakaConnection): boolean {
    return this.#options.activeConfig().asksAboutRefusals && !this.#options.isExempt(connection)
  }

  #rcpt(transaction: HarakaTransaction): RcptState {
    return new RcptState(transaction, this.#options.commandsOf(transaction))
  }
}
