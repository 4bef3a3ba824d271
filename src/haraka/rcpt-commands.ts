// Which RCPT TO of the relay each recipient of a transaction comes from, whatever other plugins made of them.
// Plugins such as `aliases` replace recipients by others, or change them in place, while the hooks of their command run:
// what appears during these is a target of that command.

/** As Haraka's transactions hold it. Compared as an object: its text may be changed in place. */
interface Address {
  address: string
}

export interface RcptCommand {
  /** As it stood in the command, before any plugin changed it. */
  address: string
  /** RFC 3461 section 4.1: NOTIFY=NEVER was given. */
  notifyNever: boolean
}

export interface Targets<A extends Address> {
  /** Undefined: another plugin put the target there, and there was more than one command. */
  command: RcptCommand | undefined
  targets: readonly A[]
}

export class RcptCommands<A extends Address> {
  readonly #commands: RcptCommand[] = []
  /** Undefined: it may be a target of any command. */
  readonly #owners = new Map<A, RcptCommand | undefined>()
  /** Those that stood in the commands themselves. */
  readonly #recipients = new Map<A, RcptCommand>()
  /** What the transaction held when the hooks of the last command began. */
  #seen: A[] = []

  /** Refused ones too. */
  get count(): number {
    return this.#commands.length
  }

  /** When the hooks of a command begin: `rcptTo` ends with its recipient. */
  add(recipient: A, notifyNever: boolean, rcptTo: readonly A[]): void {
    if (this.#isOnlyAdded(rcptTo, recipient)) this.#seen.push(recipient)
    else {
      this.#claim(rcptTo, recipient)
      this.#seen = [...rcptTo]
    }
    const command = { address: recipient.address, notifyNever }
    this.#commands.push(command)
    this.#owners.set(recipient, command)
    this.#recipients.set(recipient, command)
  }

  /** When no command can follow any more. */
  end(rcptTo: readonly A[]): void {
    this.#claim(rcptTo)
  }

  /**
   * For each command that has targets left, in order; then for each target that can't be attributed. `given`: how many
   * commands there were. When another plugin answered one before it was noted here, only what stood in a command is sure.
   */
  targetsIn(rcptTo: readonly A[], given = this.#commands.length): Targets<A>[] {
    const isComplete = given === this.#commands.length
    const only = isComplete && given === 1 ? this.#commands[0] : undefined
    const owners = isComplete ? this.#owners : this.#recipients
    const found = new Map<RcptCommand, A[]>(this.#commands.map(command => [command, []]))
    const unattributed: Targets<A>[] = []
    for (const target of rcptTo) {
      const command = owners.get(target) ?? only
      if (command === undefined) unattributed.push({ command, targets: [target] })
      else found.get(command)?.push(target)
    }
    const attributed = [...found].map(([command, targets]) => ({ command, targets }))
    return [...attributed.filter(({ targets }) => targets.length > 0), ...unattributed]
  }

  /** The usual case, without a look at each recipient of a long list; `end` looks at all of them. */
  #isOnlyAdded(rcptTo: readonly A[], recipient: A): boolean {
    const { length } = this.#seen
    return (
      rcptTo.length === length + 1 &&
      rcptTo[length] === recipient &&
      (length === 0 || rcptTo[length - 1] === this.#seen[length - 1])
    )
  }

  /** What no command owns yet is a target of the last one. */
  #claim(rcptTo: readonly A[], except?: A): void {
    const last = this.#commands.at(-1)
    const added = rcptTo.filter(target => target !== except && !this.#owners.has(target))
    if (last === undefined || added.length === 0) return
    const present = new Set(rcptTo)
    // targets of earlier commands were replaced as well: these may be anybody's
    const isAmbiguous = this.#seen.some(target => !present.has(target) && this.#owners.get(target) !== last)
    for (const target of added) this.#owners.set(target, isAmbiguous ? undefined : last)
  }
}
