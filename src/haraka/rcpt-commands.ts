// Finds for each recipient of a transaction the RCPT TO command that it comes from, also after plugins replaced it.
// Plugins such as `aliases` replace recipients, or change them in place, while the hooks of their command run:
// a recipient that appears during these hooks is a target of that command.

/** An address of Haraka's. Compared by identity, as plugins may change its text in place. */
interface Address {
  address: string
}

export interface RcptCommand {
  /** The address in the command, before any plugin changed it. */
  address: string
  /** RFC 3461 section 4.1: NOTIFY=NEVER was given. */
  notifyNever: boolean
}

export interface Targets<A extends Address> {
  /** Undefined: another plugin added the target, and there was more than one command. */
  command: RcptCommand | undefined
  targets: readonly A[]
}

export class RcptCommands<A extends Address> {
  readonly #commands: RcptCommand[] = []
  /** The recipient of the first command: most mail has no other one, and needs no maps. */
  #first: A | undefined
  #madeOwners: Map<A, RcptCommand | undefined> | undefined
  #madeRecipients: Map<A, RcptCommand> | undefined
  /** The transaction's recipients when the hooks of the last command began. */
  #seen: A[] = []

  /** The number of commands, refused ones included. */
  get count(): number {
    return this.#commands.length
  }

  get last(): RcptCommand | undefined {
    return this.#commands.at(-1)
  }

  /** Call it when the hooks of a command begin. `rcptTo` ends with its recipient. */
  add(recipient: A, notifyNever: boolean, rcptTo: readonly A[]): void {
    if (this.#isOnlyAdded(rcptTo, recipient)) this.#seen.push(recipient)
    else {
      this.#claim(rcptTo, recipient)
      this.#seen = [...rcptTo]
    }
    const command = { address: recipient.address, notifyNever }
    if (this.#commands.push(command) === 1) this.#first = recipient
    else {
      this.#owners.set(recipient, command)
      this.#recipients.set(recipient, command)
    }
  }

  /** Call it after the last command. */
  end(rcptTo: readonly A[]): void {
    this.#claim(rcptTo)
  }

  /**
   * The commands that have targets left, in order; then the targets that can't be attributed. `given`: the number of all
   * commands. If some weren't noted here, as another plugin answered first, only addresses of noted ones count.
   */
  targetsIn(rcptTo: readonly A[], given = this.#commands.length): Targets<A>[] {
    const isComplete = given === this.#commands.length
    const only = isComplete && given === 1 ? this.#commands[0] : undefined
    if (only !== undefined) return rcptTo.length === 0 ? [] : [{ command: only, targets: [...rcptTo] }]
    const owners = isComplete ? this.#owners : this.#recipients
    const found = new Map<RcptCommand, A[]>(this.#commands.map(command => [command, []]))
    const unattributed: Targets<A>[] = []
    for (const target of rcptTo) {
      const command = owners.get(target)
      if (command === undefined) unattributed.push({ command, targets: [target] })
      else found.get(command)?.push(target)
    }
    const attributed = [...found].map(([command, targets]) => ({ command, targets }))
    return [...attributed.filter(({ targets }) => targets.length > 0), ...unattributed]
  }

  /** Undefined: the target may belong to any command. */
  get #owners(): Map<A, RcptCommand | undefined> {
    this.#madeOwners ??= this.#ofFirst()
    return this.#madeOwners
  }

  /** The commands by their original address object. */
  get #recipients(): Map<A, RcptCommand> {
    this.#madeRecipients ??= this.#ofFirst()
    return this.#madeRecipients
  }

  #ofFirst(): Map<A, RcptCommand> {
    const [command] = this.#commands
    return new Map(this.#first && command ? [[this.#first, command]] : [])
  }

  /** Detects the usual case without comparing each recipient of a long list; `end` compares all of them. */
  #isOnlyAdded(rcptTo: readonly A[], recipient: A): boolean {
    const { length } = this.#seen
    return (
      rcptTo.length === length + 1 &&
      rcptTo[length] === recipient &&
      (length === 0 || rcptTo[length - 1] === this.#seen[length - 1])
    )
  }

  /** Recipients that belong to no command yet become targets of the last one. */
  #claim(rcptTo: readonly A[], except?: A): void {
    const last = this.#commands.at(-1)
    const added = rcptTo.filter(target => target !== except && !this.#owners.has(target))
    if (last === undefined || added.length === 0) return
    const present = new Set(rcptTo)
    // targets of earlier commands were replaced as well, so the new ones may belong to any command
    const isAmbiguous = this.#seen.some(target => !present.has(target) && this.#owners.get(target) !== last)
    for (const target of added) this.#owners.set(target, isAmbiguous ? undefined : last)
  }
}
