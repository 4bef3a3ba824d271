// Mail that an operator releases from the quarantine: the rules don't apply to it. The command that hands it back says a
// release token before MAIL, by a command that Haraka doesn't know, so that no hook has to look at other mail.

import type { PluginRuntime } from '../app/plugin-runtime'
import { RELEASE_COMMAND } from '../quarantine/release-token'
import { answerHook, type HookCall } from './hook-answer'
import type { HarakaConnection, HarakaTransaction } from './types'

/** The answer to an invalid or expired release token. */
const BAD_TOKEN = '5.7.1 This release token is not valid'
const GOOD_TOKEN = '2.0.0 Rules do not apply to the next mail'

/** Where tokens are, and the time by which they expire. */
export type TokenStore = Pick<PluginRuntime, 'releaseTokens' | 'learnTime'>

export class Releases {
  readonly #store: TokenStore
  /** Connections whose next mail is released. */
  readonly #next = new WeakSet<HarakaConnection>()
  readonly #released = new WeakSet<HarakaTransaction>()

  constructor(store: TokenStore) {
    this.#store = store
  }

  /** Hook unrecognized_command. A client with a valid token is the operator's command, whatever its address. */
  redeem(call: HookCall, [command, token]: readonly string[]): void {
    if (command?.toUpperCase() !== RELEASE_COMMAND) {
      call.next()
      return
    }
    answerHook(call, async () => {
      const { connection, plugin } = call
      const tokens = await this.#store.releaseTokens()
      const isGood = token !== undefined && (await tokens.redeem(token.trim(), await this.#store.learnTime()))
      if (isGood) {
        this.#next.add(connection)
        plugin.lognotice(connection, 'released from the quarantine by hand: rules do not apply')
      }
      return isGood ? { reply: { code: 250, text: GOOD_TOKEN } } : { reply: { code: 550, text: BAD_TOKEN } }
    })
  }

  /** To be called at the first RCPT TO of a mail. */
  begins(connection: HarakaConnection, transaction: HarakaTransaction): void {
    if (this.#next.delete(connection)) this.#released.add(transaction)
  }

  /** Whether the connection's mail is released, even before its first recipient. */
  isReleased(connection: HarakaConnection): boolean {
    const { transaction } = connection
    return this.#next.has(connection) || (transaction !== null && this.#released.has(transaction))
  }
}
