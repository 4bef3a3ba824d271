// Refusals by other plugins, and recipients that no plugin accepts: where a rule may be about them, the relay hears 250, and
// the rules decide when the whole mail is there. In doubt a refusal goes out as it came.
// Haraka calls the hook `deny` for every refusal. OK keeps it from the relay, and the other plugins of its hook go on.

import { deny } from 'haraka-constants'
import type { ActiveConfig } from '../app/active-config'
import { logLine } from '../app/log-line'
import { domainOf } from '../mail/address'
import type { Refusal } from '../mail/refusal'
import { NOBODY } from '../mail/refusing-plugins'
import { standsAlways } from '../mail/standing-refusals'
import { mayBounce, observedRules, type RefusedNow } from '../policy/may-bounce'
import { RELEASE_PARAMETER } from '../quarantine/release-token'
import { HeldRefusals } from './held-refusals'
import { neverSkip } from './never-skipped'
import { countErrors } from './plugin-results'
import type { RcptCommand, RcptCommands } from './rcpt-commands'
import { RcptState } from './rcpt-state'
import { type HarakaRefusal, isRefusingHook, readRefusal, STAGE_OF_HOOK } from './read-refusal'
import { withoutTargets, wordsOfHaraka, wordsOfNobody } from './refusal-words'
import type {
  DenyParams,
  HarakaAddress,
  HarakaConnection,
  HarakaPlugin,
  HarakaTransaction,
  HookToRun,
} from './types'
import { wireReplyOf } from './wire-reply'

export interface RefusalHooksOptions {
  activeConfig: () => ActiveConfig
  /** The peer isn't a trusted relay, or the mail is released from the quarantine: refusals stand. */
  isExempt: (connection: HarakaConnection) => boolean
  commandsOf: (transaction: HarakaTransaction) => RcptCommands<HarakaAddress> | undefined
  /** Our last methods at the hooks rcpt and queue. */
  lastMethods: { rcpt: string; queue: string }
  count: (refusal: Refusal, outcome: 'stood' | 'observed') => void
}

/** Haraka's own plugin that puts refusals off until rcpt_ok. */
const DELAY_DENY = 'delay_deny'

interface Asked {
  plugin: HarakaPlugin
  connection: HarakaConnection
  transaction: HarakaTransaction
  rcpt: RcptState
  /** With Haraka's own words where the plugin gave none. */
  raw: HarakaRefusal
}

/** The methods return true where the relay hears 250. */
export class RefusalHooks {
  readonly #options: RefusalHooksOptions
  readonly #held = new WeakMap<HarakaTransaction, HeldRefusals>()
  /** Number of errors that plugins had noted when the hooks of the last RCPT TO began. */
  readonly #errors = new WeakMap<HarakaTransaction, number>()
  /** Transactions that the rules have decided about: the relay must hear a plugin that refuses later. */
  readonly #decided = new WeakSet<HarakaTransaction>()

  constructor(options: RefusalHooksOptions) {
    this.#options = options
  }

  /** Undefined: the relay has heard every refusal so far. */
  of(transaction: HarakaTransaction | null): HeldRefusals | undefined {
    return transaction ? this.#held.get(transaction) : undefined
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
    if (this.#options.activeConfig().asksAboutRefusals)
      this.#errors.set(transaction, countErrors([transaction.results, connection.results]))
  }

  /** To be called at data_post: from now on refusals of the mail go out. */
  decides(transaction: HarakaTransaction): void {
    this.#decided.add(transaction)
  }

  /** Hook rcpt_ok, before all others: they aren't called for a recipient that was refused. */
  keepFromOthers(connection: HarakaConnection): void {
    const held = this.of(connection.transaction)
    if (!connection.transaction || !held?.has(this.#rcpt(connection.transaction).current)) return
    const others = connection.hooks_to_run ?? []
    // it refuses because of the connection or the mail: no rule was about that
    connection.hooks_to_run = others.filter(([{ name }]) => name === DELAY_DENY)
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
  acceptUnclaimed(plugin: HarakaPlugin, connection: HarakaConnection): boolean {
    const { transaction } = connection
    if (!transaction) return false
    const rcpt = this.#rcpt(transaction)
    const command = rcpt.current
    if (command === undefined) return false
    if (this.#held.get(transaction)?.hasOwn(command)) return true
    // Haraka accepts every recipient of a peer that may relay
    if (connection.relaying || !this.#isAsked(connection)) return false
    const raw: HarakaRefusal = { plugin: NOBODY, hook: 'rcpt', retval: deny, message: wordsOfNobody(command) }
    const asked = { plugin, connection, transaction, rcpt, raw }
    const { refusal } = readRefusal(raw)
    const errors = countErrors([transaction.results, connection.results])
    // a directory that fails looks like one that doesn't know the recipient
    if (errors > (this.#errors.get(transaction) ?? 0))
      return this.#stands(asked, refusal, 'a plugin noted an error', command)
    return this.#hold(asked, refusal, [command], command)
  }

  /** Hook deny: it must answer at once, or Haraka hangs. */
  holds(plugin: HarakaPlugin, connection: HarakaConnection, params: DenyParams): boolean {
    const [retval, message, by, , hookParams, hook] = params
    // Haraka calls it for outbound deliveries, too, which are no connections
    if (!isRefusingHook(hook) || by === plugin.name) return false
    const { transaction } = connection
    if (!transaction || !this.#isAsked(connection)) return false
    const raw = { plugin: by, hook, retval, message: message || wordsOfHaraka(hook, transaction) }
    const asked = { plugin, connection, transaction, rcpt: this.#rcpt(transaction), raw }
    const { refusal, isTemporary } = readRefusal(raw)
    if (isTemporary) return false
    if (this.#isForWantOfRecipients(asked)) return true
    const reason = standsAlways(refusal)
    if (reason !== undefined) return this.#stands(asked, refusal, reason)
    switch (STAGE_OF_HOOK[hook]) {
      case 'mail':
        // the release token may not have been looked at yet
        return !hasReleaseToken(hookParams) && this.#hold(asked, refusal, [undefined], undefined)
      case 'rcpt':
        return this.#atRcpt(asked, refusal)
      case 'data':
        if (this.#decided.has(transaction))
          return this.#stands(asked, refusal, 'the rules were asked before it')
        return this.#hold(asked, refusal, asked.rcpt.left, undefined)
      case 'queue':
        return this.#atQueue(asked, refusal)
    }
  }

  #atRcpt(asked: Asked, refusal: Refusal): boolean {
    const { connection, transaction, raw } = asked
    const command = asked.rcpt.current
    if (command === undefined) return this.#stands(asked, refusal, 'another plugin answered before ours')
    if (raw.hook === 'rcpt') {
      const mustAccept =
        !connection.relaying && this.#ours(asked, this.#options.lastMethods.rcpt) === undefined
      if (mustAccept) return this.#stands(asked, refusal, 'a plugin behind ours refused', command)
      return this.#hold(asked, refusal, [command], command)
    }
    if (!this.#hold(asked, refusal, [command], command)) return false
    this.#held.get(transaction)?.keepUnaware([[{ name: raw.plugin }, ''], ...others(connection)])
    connection.saved_hooks_to_run = []
    return true
  }

  #atQueue(asked: Asked, refusal: Refusal): boolean {
    const { connection, transaction, rcpt } = asked
    const ours = this.#ours(asked, this.#options.lastMethods.queue)
    if (ours === undefined) return this.#stands(asked, refusal, 'a plugin behind ours refused')
    const { left } = rcpt
    // with one reply for several recipients, it may be any of them
    const command = transaction.rcpt_to.length === 1 ? left[0] : undefined
    if (!this.#hold(asked, refusal, left, command)) return false
    // or the next queue plugin would deliver the mail
    connection.saved_hooks_to_run = [ours]
    return true
  }

  /**
   * A rule must be possible for each of `recipients`; undefined: they aren't known yet.
   * `command`: undefined where the whole mail was refused.
   */
  #hold(
    asked: Asked,
    refusal: Refusal,
    recipients: readonly (RcptCommand | undefined)[],
    command: RcptCommand | undefined,
  ): boolean {
    const { connection, transaction, plugin } = asked
    const config = this.#options.activeConfig()
    const { policy, settings } = config
    const held = this.#held.get(transaction) ?? new HeldRefusals(config)
    if (held.config !== config) return this.#stands(asked, refusal, 'the configuration has changed', command)
    const isForeign = (one: RcptCommand | undefined) =>
      one !== undefined && !policy.receivesFor(domainOf(one.address) ?? '')
    if (recipients.length === 0 || recipients.some(isForeign))
      return this.#stands(asked, refusal, 'a recipient at a domain that is not ours', command)
    const shown = withoutTargets(refusal, command, asked.rcpt.targets)
    const question = (recipient: RcptCommand | undefined, one: Refusal): RefusedNow => ({
      sender: transaction.mail_from?.address ?? '',
      recipient: recipient?.address,
      relayIp: connection.remote.ip,
      refusal: one,
    })
    const isObserved = settings.main.mode === 'observe'
    for (const rule of new Set(
      recipients.flatMap(one => observedRules(policy, question(one, shown), isObserved)),
    )) {
      this.#log(asked, shown, command, { mode: 'observe', rule })
      this.#options.count(shown, 'observed')
    }
    if (isObserved) return false
    // a rule must name nobody: a refusal of the whole mail says nothing about this recipient
    const earlier = (one: RcptCommand | undefined) => (refusal.by === NOBODY ? [] : held.of(one))
    const mayHold = (one: RcptCommand | undefined) =>
      [...earlier(one), shown].some(each => mayBounce(policy, question(one, each)))
    if (!recipients.every(mayHold)) return this.#stands(asked, shown, 'no rule is about it', command)
    held.add(shown, command, wireReplyOf(asked.raw))
    this.#held.set(transaction, held)
    neverSkip(transaction.notes, plugin.name)
    this.#log(asked, shown, command, { taken: 'provisionally' })
    return true
  }

  #stands(asked: Asked, refusal: Refusal, stands: string, command?: RcptCommand): false {
    this.#log(asked, refusal, command, { stands })
    this.#options.count(refusal, 'stood')
    return false
  }

  #log(
    { plugin, connection }: Asked,
    { by, stage, code, status, reply }: Refusal,
    command: RcptCommand | undefined,
    more: Record<string, string>,
  ): void {
    const recipient = command?.address
    plugin.loginfo(connection, logLine({ refused_by: by, stage, code, status, reply, recipient, ...more }))
  }

  /** A proxy refuses DATA because it was told of no recipient, as all of them were refused. */
  #isForWantOfRecipients({ transaction, rcpt, raw }: Asked): boolean {
    const held = this.#held.get(transaction)
    if (held === undefined || raw.hook !== 'data' || !held.unaware.has(raw.plugin)) return false
    return rcpt.left.every(command => held.has(command))
  }

  #isAsked(connection: HarakaConnection): boolean {
    return this.#options.activeConfig().asksAboutRefusals && !this.#options.isExempt(connection)
  }

  /** Our hook among those that are still to run. */
  #ours({ plugin, connection }: Asked, method: string): HookToRun | undefined {
    return others(connection).find(([one, name]) => one === plugin && name === method)
  }

  #rcpt(transaction: HarakaTransaction): RcptState {
    return new RcptState(transaction, this.#options.commandsOf(transaction))
  }
}

/** Hooks of the plugins behind the one that refused. */
function others({ saved_hooks_to_run: hooks = [] }: HarakaConnection): readonly HookToRun[] {
  return hooks
}

/** The parameters of the hook mail. */
function hasReleaseToken(params: unknown): boolean {
  const options: unknown = Array.isArray(params) ? params[1] : undefined
  return typeof options === 'object' && options !== null && RELEASE_PARAMETER in options
}
