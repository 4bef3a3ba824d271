// Whether a refusal is kept from the relay at the stage at which it came, and which plugins Haraka calls then.

import type { Refusal } from '../mail/refusal'
import { standsAlways } from '../mail/standing-refusals'
import type { Asked, Fate, RefusalKeeper } from './refusal-keeper'
import { TransactionMap } from './transaction-map'
import type { HarakaConnection, HookToRun } from './types'

/** Our last methods at these hooks. */
export interface LastMethods {
  rcpt: string
  queue: string
}

/** Haraka's own plugin that puts refusals off until rcpt_ok. */
const DELAY_DENY = 'delay_deny'

/** Haraka's smtp_proxy.js, hook_rcpt_ok: it tells its server of each recipient. */
const SMTP_PROXY = 'queue/smtp_proxy'

/** Hook rcpt_ok for a refused recipient: no other plugin is told of it. */
export function withoutOthers(hooks: readonly HookToRun[]): HookToRun[] {
  // it refuses because of the connection or the mail: no rule was about that
  return hooks.filter(([{ name }]) => name === DELAY_DENY)
}

export class RefusalFates {
  /** Transactions that the rules have decided about: the relay must hear a plugin that refuses later. */
  readonly decided = new TransactionMap<true>()
  readonly #keeper: RefusalKeeper
  readonly #lastMethods: LastMethods

  constructor(keeper: RefusalKeeper, lastMethods: LastMethods) {
    this.#keeper = keeper
    this.#lastMethods = lastMethods
  }

  of(asked: Asked, refusal: Refusal): Fate {
    const reason = standsAlways(refusal)
    if (reason !== undefined) return this.#keeper.letStand(asked, refusal, reason)
    switch (refusal.stage) {
      case 'mail':
        return this.#keeper.keep(asked, refusal, [undefined], undefined)
      case 'rcpt':
        return this.#atRcpt(asked, refusal)
      case 'data':
        if (this.decided.get(asked.transaction))
          return this.#keeper.letStand(asked, refusal, 'the rules were asked before it')
        return this.#keeper.keep(asked, refusal, asked.rcpt.left, undefined)
      case 'queue':
        return this.#atQueue(asked, refusal)
      case 'delivery':
        return 'stands'
    }
  }

  #atRcpt(asked: Asked, refusal: Refusal): Fate {
    const { connection, transaction, raw } = asked
    const command = asked.rcpt.current
    if (command === undefined)
      return this.#keeper.letStand(asked, refusal, 'another plugin answered before ours')
    if (raw.hook === 'rcpt') {
      const mustAccept = !connection.relaying && this.#ours(asked, this.#lastMethods.rcpt) === undefined
      if (mustAccept) return this.#keeper.letStand(asked, refusal, 'a plugin behind ours refused', command)
      return this.#keeper.keep(asked, refusal, [command], command)
    }
    // or its server would deliver the mail to a recipient that is bounced
    if (isProxied(asked))
      return this.#keeper.letStand(asked, refusal, `${SMTP_PROXY} was told of the recipient before`, command)
    const fate = this.#keeper.keep(asked, refusal, [command], command)
    if (fate !== 'held') return fate
    this.#keeper.of(transaction)?.keepUnaware([[{ name: raw.plugin }, ''], ...others(connection)])
    connection.saved_hooks_to_run = withoutOthers(others(connection))
    return fate
  }

  #atQueue(asked: Asked, refusal: Refusal): Fate {
    const { connection, transaction, rcpt } = asked
    const ours = this.#ours(asked, this.#lastMethods.queue)
    if (ours === undefined) return this.#keeper.letStand(asked, refusal, 'a plugin behind ours refused')
    const { left } = rcpt
    // with one reply for several recipients, it may be any of them
    const command = transaction.rcpt_to.length === 1 ? left[0] : undefined
    const fate = this.#keeper.keep(asked, refusal, left, command)
    // or the next queue plugin would deliver the mail
    if (fate === 'held') connection.saved_hooks_to_run = [ours]
    return fate
  }

  /** Our hook among those that are still to run. */
  #ours({ plugin, connection }: Asked, method: string): HookToRun | undefined {
    return others(connection).find(([one, name]) => one === plugin && name === method)
  }
}

/** Hooks of the plugins behind the one that refused. */
function others({ saved_hooks_to_run: hooks = [] }: HarakaConnection): readonly HookToRun[] {
  return hooks
}

/** Another plugin refuses the recipient after smtp_proxy's server has accepted it. */
function isProxied({ connection, raw }: Asked): boolean {
  if (connection.notes.smtp_client === undefined || raw.plugin === SMTP_PROXY) return false
  return !others(connection).some(([{ name }]) => name === SMTP_PROXY)
}
