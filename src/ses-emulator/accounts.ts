// SES's state of every account: each has its own messages, identities and pace. In memory only.

import { OWN_ACCOUNT } from './account'
import type { EmulatorAccount, SesEmulatorOptions } from './options'
import { SANDBOX_QUOTA, USUAL_QUOTA } from './quota'
import { type KnownMessage, Ses } from './ses'

export class Accounts {
  readonly #options: SesEmulatorOptions
  readonly #known = new Map<string, Ses>()

  constructor(options: SesEmulatorOptions) {
    this.#options = options
  }

  /** `number`: of an account. */
  of(number: string): Ses {
    let ses = this.#known.get(number)
    if (ses === undefined) this.#known.set(number, (ses = this.#make(number)))
    return ses
  }

  addMessage(message: KnownMessage): void {
    this.of(accountOf(message)).addMessage(message)
  }

  #make(number: string): Ses {
    const { accounts = 'any', messages = 'any', identities = 'any', ...options } = this.#options
    const own: Partial<EmulatorAccount> =
      (accounts === 'any' ? undefined : accounts.find(({ id }) => id === number)) ?? {}
    const { isInSandbox = false } = own
    return new Ses({
      messages: messages === 'any' ? 'any' : messages.filter(message => accountOf(message) === number),
      identities: own.identities ?? identities,
      // SES Developer Guide, service quotas: one SendBounce a second
      intervalMs: options.intervalMs ?? 1000,
      secondBounce: options.secondBounce ?? 'allow',
      isInSandbox,
      isPaused: own.isPaused ?? false,
      quota: own.quota ?? (isInSandbox ? SANDBOX_QUOTA : USUAL_QUOTA).most,
    })
  }
}

function accountOf({ account = OWN_ACCOUNT }: KnownMessage): string {
  return account
}
