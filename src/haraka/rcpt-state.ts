// The RCPT TO commands of a transaction while their hooks run and afterwards: the last one, and those that are left.

import { answeredCommands, targetsOf } from './incoming-mail'
import type { RcptCommand, RcptCommands, Targets } from './rcpt-commands'
import type { HarakaAddress, HarakaTransaction } from './types'

export class RcptState {
  readonly #transaction: HarakaTransaction
  readonly #commands: RcptCommands<HarakaAddress> | undefined

  constructor(transaction: HarakaTransaction, commands: RcptCommands<HarakaAddress> | undefined) {
    this.#transaction = transaction
    this.#commands = commands
  }

  /** The RCPT TO whose hooks run. Undefined: none, or another plugin answered one before ours was called. */
  get current(): RcptCommand | undefined {
    const answered = answeredCommands(this.#transaction)
    const isNoted = answered === undefined || this.#commands?.count === answered + 1
    return isNoted ? this.#commands?.last : undefined
  }

  /** The recipients in the transaction, for each RCPT TO. */
  get targets(): Targets<HarakaAddress>[] {
    const { rcpt_to: rcptTo } = this.#transaction
    this.#commands?.end(rcptTo)
    // while the hooks of a command run, it isn't among those that were answered
    return this.current && this.#commands
      ? this.#commands.targetsIn(rcptTo)
      : targetsOf(this.#transaction, this.#commands)
  }

  /** The commands that still have a recipient in the transaction. Undefined: another plugin added one. */
  get left(): (RcptCommand | undefined)[] {
    return this.targets.map(({ command }) => command)
  }
}
