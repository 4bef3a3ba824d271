// What another plugin refuses, and what no plugin accepts, where a rule may make something else of it: the relay hears 250,
// and the rules decide when the whole mail is there. In doubt the refusal goes out as it came.
// Haraka's hook `deny` is asked about every refusal: OK keeps it from the relay, and the other plugins of its hook go on.

import { deny } from 'haraka-constants'
import type { ActiveConfig } from '../app/active-config'
import { logLine } from '../app/log-line'
import { domainOf } from '../mail/address'
import type { Refusal } from '../mail/refusal'
import { REPLY_CHARACTERS } from '../mail/refusal-text'
import { NOBODY } from '../mail/refusing-plugins'
import { standsAlways } from '../mail/standing-refusals'
import { mayBounce, type RefusedNow, rulesThatMayHold } from '../policy/may-bounce'
import type { Policy } from '../policy/rule'
import { RELEASE_PARAMETER } from '../quarantine/release-token'
import { HeldRefusals } from './held-refusals'
import { answeredCommands, targetsOf } from './incoming-mail'
import { neverSkip } from './never-skipped'
import { countErrors } from './plugin-results'
import type { RcptCommand, RcptCommands, Targets } from './rcpt-commands'
import {
  type HarakaRefusal,
  isRefusingHook,
  type RefusingHook,
  readRefusal,
  STAGE_OF_HOOK,
} from './read-refusal'
import type { DenyParams, HarakaAddress, HarakaConnection, HarakaPlugin, HarakaTransaction } from './types'
import { wireReplyOf } from './wire-reply'

export interface RefusalHooksOptions {
  activeConfig: () => ActiveConfig
  /** Not a trusted relay, or mail that is released from the quarantine: refusals stand. */
  isExempt: (connection: HarakaConnection) => boolean
  commandsOf: (transaction: HarakaTransaction) => RcptCommands<HarakaAddress> | undefined
  /** Of the hook of ours that ends a refusal by a queue plugin. */
  queueHook: string
  count: (refusal: Refusal, outcome: 'stood' | 'observed') => void
}

/** Haraka's own plugin that puts refusals off until rcpt_ok. */
const DELAY_DENY = 'delay_deny'

/** True: the refusal is kept from the relay. False: it goes out. */
type Held = boolean

interface Asked {
  plugin: HarakaPlugin
  connection: HarakaConnection
  transaction: HarakaTransaction
  /** With Haraka's own words where the plugin gave none. */
  raw: HarakaRefusal
}

export class RefusalHooks {
  readonly #options: RefusalHooksOptions
  readonly #held = new WeakMap<HarakaTransaction, HeldRefusals>()
  /** Errors that plugins had noted when the hooks of the last RCPT TO began. */
  readonly #errors = new WeakMap<HarakaTransaction, number>()
  /** Our decisions are made: a plugin that refuses later must be heard. */
  readonly #decided = new WeakSet<HarakaTransaction>()

  constructor(options: RefusalHooksOptions) {
    this.#options = options
  }

  /** Undefined: the relay has heard every refusal so far. */
  of(transaction: HarakaTransaction | null): HeldRefusals | undefined {
    return transaction ? this.#held.get(transaction) : undefined
  }

  /** Why the rules can't be asked about what was held back; undefined: they can. */
  whyNotNow(connection: HarakaConnection, held: HeldRefusals): string | undefined {
    const { transaction } = connection
    if (held.config !== this.#options.activeConfig()) return 'the configuration has changed since'
    if (this.#options.isExempt(connection)) return 'the relay is not trusted any more'
    const found = transaction ? this.#targets(transaction) : []
    const left = new Set(found.map(({ command }) => command))
    return left.has(undefined) && held.commands.some(command => !left.has(command))
      ? 'another plugin has replaced recipients, and which were refused is not known'
      : undefined
  }

  /** Whether a recipient of a refused RCPT TO is still in the transaction. */
  isLeft(transaction: HarakaTransaction, held: HeldRefusals): boolean {
    return this.#commandsLeft(transaction).some(command => held.has(command))
  }

  /** The hooks of a RCPT TO begin. */
  rcptBegins(connection: HarakaConnection, transaction: HarakaTransaction): void {
    if (this.#options.activeConfig().asksAboutRefusals)
      this.#errors.set(transaction, countErrors([transaction.results, connection.results]))
  }

  /** data_post: from now on refusals of the mail go out. */
  decides(transaction: HarakaTransaction): void {
    this.#decided.add(transaction)
  }

  /** Whether the last RCPT TO's recipient is accepted for the time being only. */
  hasRefused(transaction: HarakaTransaction): boolean {
    const held = this.#held.get(transaction)
    return held !== undefined && held.has(this.#lastCommand(transaction))
  }

  /** Hook rcpt_ok: the plugins behind ours aren't asked about a recipient that was refused. */
  keepFromOthers(connection: HarakaConnection): void {
    const { transaction } = connection
    if (!transaction || !this.hasRefused(transaction)) return
    const others = connection.hooks_to_run ?? []
    // it refuses for plugins that refused the connection: not the recipient, and no rule is about that
    connection.hooks_to_run = others.filter(([{ name }]) => name === DELAY_DENY)
    for (const [{ name }] of others) this.#held.get(transaction)?.unaware.add(name)
  }

  /** Hook rcpt, behind all others: no plugin has accepted the recipient. True: it is accepted for the time being. */
  unclaimed(plugin: HarakaPlugin, connection: HarakaConnection): Held {
    const { transaction } = connection
    if (!transaction) return false
    if (this.hasRefused(transaction)) return true
    const command = this.#isAsked(connection) ? this.#lastCommand(transaction) : undefined
    // Haraka accepts every recipient of a peer that may relay; a plugin behind ours may still accept this one
    if (command === undefined || connection.relaying || (connection.hooks_to_run ?? []).length > 0)
      return false
    const message = `I cannot deliver mail for <${command.address}>`
    const raw: HarakaRefusal = { plugin: NOBODY, hook: 'rcpt', retval: deny, message }
    const asked = { plugin, connection, transaction, raw }
    const { refusal } = readRefusal(raw)
    const errors = countErrors([transaction.results, connection.results])
    // a directory that fails looks like one that doesn't know the recipient
    if (errors > (this.#errors.get(transaction) ?? 0))
      return this.#stands(asked, refusal, 'a plugin noted an error')
    return this.#hold(asked, refusal, [command], command)
  }

  /** Hook deny. True: the relay isn't told. Never throws, and never waits: Haraka would hang. */
  holds(plugin: HarakaPlugin, connection: HarakaConnection, params: DenyParams): Held {
    const [retval, message, by, , hookParams, hook] = params
    // asked about outbound deliveries, too, which are no connections
    if (!isRefusingHook(hook) || by === plugin.name) return false
    const { transaction } = connection
    if (!transaction || !this.#isAsked(connection)) return false
    const raw = { plugin: by, hook, retval, message: message || unsaidBy(hook, transaction) }
    const asked = { plugin, connection, transaction, raw }
    const { refusal, isTemporary } = readRefusal(raw)
    // the relay comes again, and hears the same or something better
    if (isTemporary) return false
    if (this.#isForWantOfRecipients(asked)) return true
    const reason = standsAlways(refusal)
    if (reason !== undefined) return this.#stands(asked, refusal, reason)
    switch (STAGE_OF_HOOK[hook]) {
      case 'mail':
        return this.#atMail(asked, refusal, hookParams)
      case 'rcpt':
        return this.#atRcpt(asked, refusal)
      case 'data':
        return this.#atData(asked, refusal)
      case 'queue':
        return this.#atQueue(asked, refusal)
    }
  }

  #atMail(asked: Asked, refusal: Refusal, hookParams: unknown): Held {
    // the token may not have been looked at yet
    const options: unknown = Array.isArray(hookParams) ? hookParams[1] : undefined
    const isReleased = typeof options === 'object' && options !== null && RELEASE_PARAMETER in options
    return isReleased ? false : this.#hold(asked, refusal, [undefined], undefined)
  }

  #atRcpt(asked: Asked, refusal: Refusal): Held {
    const { connection, transaction, raw } = asked
    const command = this.#lastCommand(transaction)
    if (command === undefined) return this.#stands(asked, refusal, 'another plugin answered before ours')
    if (!this.#hold(asked, refusal, [command], command)) return false
    if (raw.hook === 'rcpt_ok') {
      // those that come behind it would hear of a recipient that was refused
      const held = this.#held.get(transaction)
      for (const name of [raw.plugin, ...(connection.saved_hooks_to_run ?? []).map(([one]) => one.name)])
        held?.unaware.add(name)
      connection.saved_hooks_to_run = []
    }
    return true
  }

  #atData(asked: Asked, refusal: Refusal): Held {
    const { transaction } = asked
    if (this.#decided.has(transaction)) return this.#stands(asked, refusal, 'the rules were asked before it')
    return this.#hold(asked, refusal, this.#commandsLeft(transaction), undefined)
  }

  #atQueue(asked: Asked, refusal: Refusal): Held {
    const { connection, transaction, plugin } = asked
    const ours = (connection.saved_hooks_to_run ?? []).find(
      ([one, method]) => one === plugin && method === this.#options.queueHook,
    )
    if (ours === undefined) return this.#stands(asked, refusal, 'a plugin behind ours refused')
    const commands = this.#commandsLeft(transaction)
    const [only, ...others] = transaction.rcpt_to.length === 1 ? commands : []
    const command = others.length === 0 ? only : undefined
    if (!this.#hold(asked, refusal, commands, command)) return false
    // else the next queue plugin would deliver what this one has refused
    connection.saved_hooks_to_run = [ours]
    return true
  }

  /**
   * `recipients`: undefined where they aren't known yet. Every one of them must have a rule that may hold.
   * `command`: undefined where the whole mail was refused.
   */
  #hold(
    asked: Asked,
    refusal: Refusal,
    recipients: readonly (RcptCommand | undefined)[],
    command: RcptCommand | undefined,
  ): Held {
    const { connection, transaction, plugin } = asked
    const config = this.#options.activeConfig()
    const held = this.#held.get(transaction) ?? new HeldRefusals(config)
    if (held.config !== config) return this.#stands(asked, refusal, 'the configuration has changed')
    const { policy, settings } = config
    const isForeign = (one: RcptCommand | undefined) =>
      one !== undefined && !policy.receivesFor(domainOf(one.address) ?? '')
    if (recipients.length === 0 || recipients.some(isForeign))
      return this.#stands(asked, refusal, 'a recipient at a domain that is not ours')
    const shown = withoutTargets(refusal, command, this.#targets(transaction))
    const question = (recipient: RcptCommand | undefined, one: Refusal): RefusedNow => ({
      sender: transaction.mail_from?.address ?? '',
      recipient: recipient?.address,
      relayIp: connection.remote.ip,
      refusal: one,
    })
    const isObserved = settings.main.mode === 'observe'
    const observed = recipients.flatMap(one => observedRules(policy, question(one, shown), isObserved))
    for (const rule of new Set(observed)) {
      this.#log(asked, shown, command, { mode: 'observe', rule })
      this.#options.count(shown, 'observed')
    }
    if (isObserved) return false
    const mayHold = (recipient: RcptCommand | undefined) =>
      [...held.of(recipient), shown].some(one => mayBounce(policy, question(recipient, one)))
    if (!recipients.every(mayHold)) return this.#stands(asked, shown, 'no rule is about it', command)
    held.add(shown, command, wireReplyOf(asked.raw))
    this.#held.set(transaction, held)
    neverSkip(transaction.notes, plugin.name)
    this.#log(asked, shown, command, { taken: 'provisionally' })
    return true
  }

  #stands(asked: Asked, refusal: Refusal, stands: string, command?: RcptCommand): false {
    this.#log(asked, refusal, command ?? this.#lastCommand(asked.transaction), { stands })
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
  #isForWantOfRecipients({ transaction, raw }: Asked): boolean {
    const held = this.#held.get(transaction)
    if (held === undefined || raw.hook !== 'data' || !held.unaware.has(raw.plugin)) return false
    return this.#commandsLeft(transaction).every(command => held.has(command))
  }

  #isAsked(connection: HarakaConnection): boolean {
    return this.#options.activeConfig().asksAboutRefusals && !this.#options.isExempt(connection)
  }

  /** The RCPT TO whose hooks run. Undefined: another plugin has answered it, or an earlier one, before ours. */
  #lastCommand(transaction: HarakaTransaction): RcptCommand | undefined {
    const commands = this.#options.commandsOf(transaction)
    const answered = answeredCommands(transaction)
    if (commands === undefined || (answered !== undefined && commands.count !== answered + 1))
      return undefined
    return commands.last
  }

  #targets(transaction: HarakaTransaction): Targets<HarakaAddress>[] {
    const commands = this.#options.commandsOf(transaction)
    commands?.end(transaction.rcpt_to)
    // while the hooks of a command run, it isn't among those that were answered
    return this.#lastCommand(transaction) && commands
      ? commands.targetsIn(transaction.rcpt_to)
      : targetsOf(transaction, commands)
  }

  /** Of the recipients that are left. */
  #commandsLeft(transaction: HarakaTransaction): (RcptCommand | undefined)[] {
    return this.#targets(transaction).map(({ command }) => command)
  }
}

/** As connection.js has them. */
function unsaidBy(hook: RefusingHook, { mail_from: sender, rcpt_to: recipients }: HarakaTransaction): string {
  if (hook === 'mail') return `sender <${sender?.address ?? ''}> denied`
  if (hook === 'rcpt' || hook === 'rcpt_ok') return `recipient <${recipients.at(-1)?.address ?? ''}> denied`
  return 'Message denied'
}

/** The reply may name the addresses behind an alias, which are nobody else's business. */
function withoutTargets(
  refusal: Refusal,
  command: RcptCommand | undefined,
  found: readonly Targets<HarakaAddress>[],
): Refusal {
  const inner = found
    .filter(one => command === undefined || one.command === command)
    .flatMap(({ command: of, targets }) =>
      of ? targets.map(({ address }) => ({ address, known: of.address })) : [],
    )
    .filter(({ address, known }) => address !== known && address !== '')
  const reply = inner.reduce((text, { address, known }) => text.replaceAll(address, known), refusal.reply)
  return reply === refusal.reply ? refusal : { ...refusal, reply: reply.slice(0, REPLY_CHARACTERS) }
}

/** Rules in mode observe that may hold before one that does; in mode observe as a whole, that one too. */
function observedRules(policy: Policy, question: RefusedNow, isObserved: boolean): string[] {
  const names: string[] = []
  for (const { rule, isCertain } of rulesThatMayHold(policy, question)) {
    const isEnforced = rule.mode === 'enforce'
    if (!isEnforced || isObserved) names.push(rule.name)
    if (isEnforced && (isCertain || isObserved)) break
  }
  return names
}
