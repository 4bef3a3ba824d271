// The refusals of one transaction that the relay hasn't heard: the recipient, or the mail, is accepted for the time being,
// and decided about when the whole mail is there. By RCPT TO command and not by address: a relay may name one twice.

import type { ActiveConfig } from '../app/active-config'
import type { Refusal } from '../mail/refusal'
import type { RcptCommand } from './rcpt-commands'
import type { HookToRun } from './types'
import type { WireReply } from './wire-reply'

export class HeldRefusals {
  /** By the configuration under which they were held back: another one may not want that. */
  readonly config: ActiveConfig
  /** Plugins that weren't told of refused recipients, and so may refuse DATA for want of any. */
  readonly unaware = new Set<string>()
  /** Commands that were refused again later, so that the relay has heard it. */
  readonly heard = new Set<RcptCommand>()
  /** All of them were decided about. */
  isSettled = false
  readonly #ofMail: Refusal[] = []
  readonly #ofCommands = new Map<RcptCommand, Refusal[]>()
  readonly #replies = new Map<Refusal, WireReply>()

  constructor(config: ActiveConfig) {
    this.config = config
  }

  /** `command`: undefined where the whole mail was refused. */
  add(refusal: Refusal, command: RcptCommand | undefined, reply: WireReply): void {
    const known = command === undefined ? this.#ofMail : (this.#ofCommands.get(command) ?? [])
    known.push(refusal)
    if (command !== undefined) this.#ofCommands.set(command, known)
    this.#replies.set(refusal, reply)
    this.isSettled = false
  }

  /** Refusals of the recipient and of the whole mail, in the order in which they came. */
  of(command: RcptCommand | undefined): readonly Refusal[] {
    const own = (command && this.#ofCommands.get(command)) ?? []
    const before = this.#ofMail.filter(({ stage }) => stage === 'mail')
    const after = this.#ofMail.filter(({ stage }) => stage !== 'mail')
    return [...before, ...own, ...after]
  }

  /** The recipient, or the whole mail, was refused. */
  has(command: RcptCommand | undefined): boolean {
    return this.#ofMail.length > 0 || this.hasOwn(command)
  }

  /** The recipient was refused. */
  hasOwn(command: RcptCommand | undefined): boolean {
    return command !== undefined && this.#ofCommands.has(command)
  }

  keepUnaware(hooks: readonly HookToRun[]): void {
    for (const [{ name }] of hooks) this.unaware.add(name)
  }

  /** The commands whose recipients were refused. */
  get commands(): readonly RcptCommand[] {
    return [...this.#ofCommands.keys()]
  }

  /** The reply that the relay would have had. */
  replyOf(refusal: Refusal | undefined): WireReply | undefined {
    return refusal && this.#replies.get(refusal)
  }
}
