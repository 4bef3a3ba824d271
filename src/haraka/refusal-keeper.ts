// Decides about one refusal of another plugin: it is kept from the relay until the rules decide, goes out for now only, or
// goes out as it came. Says so in the log.

import type { ActiveConfig } from '../app/active-config'
import { logLine } from '../app/log-line'
import type { RefusalOutcome } from '../app/mail-counts'
import { addressKey, domainOf } from '../mail/address'
import type { Refusal } from '../mail/refusal'
import { NOBODY } from '../mail/refusing-plugins'
import { mayBounce, observedRules, type RefusedNow } from '../policy/may-bounce'
import { HeldRefusals } from './held-refusals'
import { neverSkip } from './never-skipped'
import type { RcptCommand } from './rcpt-commands'
import type { RcptState } from './rcpt-state'
import type { HarakaRefusal } from './read-refusal'
import { withoutTargets } from './refusal-words'
import type { HarakaConnection, HarakaPlugin, HarakaTransaction } from './types'
import { wireReplyOf } from './wire-reply'

/** `held`: the relay hears 250; `later`: 450; `stands`: the refusal itself. */
export type Fate = 'held' | 'later' | 'stands'

export interface RefusalKeeperOptions {
  activeConfig: () => ActiveConfig
  /** Notes that these were refused. True: most are, so that something may be broken. */
  isSurge: (refusal: Refusal, recipients: readonly string[]) => boolean
  count: (refusal: Refusal, outcome: RefusalOutcome) => void
  /** Called before a refusal is kept from the relay. */
  beforeHeld: () => void
}

export interface Asked {
  plugin: HarakaPlugin
  connection: HarakaConnection
  transaction: HarakaTransaction
  rcpt: RcptState
  /** The refusal, with Haraka's own words where the plugin gave none. */
  raw: HarakaRefusal
}

export class RefusalKeeper {
  readonly #options: RefusalKeeperOptions
  readonly #held = new WeakMap<HarakaTransaction, HeldRefusals>()

  constructor(options: RefusalKeeperOptions) {
    this.#options = options
  }

  /** Undefined: the relay has heard every refusal so far. */
  of(transaction: HarakaTransaction | null): HeldRefusals | undefined {
    return transaction ? this.#held.get(transaction) : undefined
  }

  /**
   * A rule must be possible for each of `recipients`; undefined: they aren't known yet.
   * `command`: undefined where the whole mail was refused.
   */
  keep(
    asked: Asked,
    refusal: Refusal,
    recipients: readonly (RcptCommand | undefined)[],
    command: RcptCommand | undefined,
  ): Fate {
    const { connection, transaction, plugin } = asked
    const config = this.#options.activeConfig()
    const { policy, settings } = config
    const held = this.#held.get(transaction) ?? new HeldRefusals(config)
    if (held.config !== config) return this.letStand(asked, refusal, 'the configuration has changed', command)
    const isForeign = (one: RcptCommand | undefined) =>
      one !== undefined && !policy.receivesFor(domainOf(one.address) ?? '')
    if (recipients.length === 0 || recipients.some(isForeign))
      return this.letStand(asked, refusal, 'a recipient at a domain that is not ours', command)
    const shown = withoutTargets(refusal, command, asked.rcpt.targets)
    const sender = transaction.mail_from?.address ?? ''
    const question = (recipient: RcptCommand | undefined, one: Refusal): RefusedNow => ({
      sender,
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
    if (isObserved) return 'stands'
    // a rule must name nobody: a refusal of the whole mail says nothing about this recipient
    const earlier = (one: RcptCommand | undefined) => (refusal.by === NOBODY ? [] : held.of(one))
    const mayHold = (one: RcptCommand | undefined) =>
      [...earlier(one), shown].some(each => mayBounce(policy, question(one, each)))
    if (!recipients.every(mayHold)) return this.letStand(asked, shown, 'no rule is about it', command)
    // at MAIL no recipient is known: different senders count
    const counted = recipients.map(one => addressKey(one?.address ?? sender))
    if (this.#options.isSurge(shown, counted)) {
      this.#log(asked, shown, command, { deferred: 'most recipients are refused' })
      this.#options.count(shown, 'deferred')
      return 'later'
    }
    this.#options.beforeHeld()
    held.add(shown, command, wireReplyOf(asked.raw))
    this.#held.set(transaction, held)
    neverSkip(transaction, plugin.name)
    this.#log(asked, shown, command, { taken: 'provisionally' })
    return 'held'
  }

  /** `stands`: the reason, for the log. */
  letStand(asked: Asked, refusal: Refusal, stands: string, command?: RcptCommand): 'stands' {
    this.#log(asked, refusal, command, { stands })
    this.#options.count(refusal, 'stood')
    return 'stands'
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
}
