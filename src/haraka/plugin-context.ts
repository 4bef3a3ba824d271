// The state that the plugin's hooks share in one process, and the questions that each of them asks first.

import cluster from 'node:cluster'
import { PluginRuntime, type PluginRuntimeOptions } from '../app/plugin-runtime'
import { DeliveryHooks } from './delivery-hooks'
import type { HookCall } from './hook-answer'
import type { RcptCommands } from './rcpt-commands'
import { type LastMethods } from './refusal-fates'
import { RefusalHooks } from './refusal-hooks'
import type { HooksToAdd } from './register-hooks'
import { Releases } from './releases'
import { RepeatedFaults } from './repeated-faults'
import { TransactionMap } from './transaction-map'
import type { HarakaAddress, HarakaConnection, HarakaPlugin, Next } from './types'

/** Names of the plugin's methods that Haraka calls in a special case. */
export interface SpecialMethods {
  last: LastMethods
  /** Refuses for now, at whatever hook. */
  later: string
  /** Called if another plugin overrides a refusal of ours. */
  again: string
}

/** The message with which a worker tells the master that there is a new job. */
const WAKE = 'ses-bounce.wake'

export class PluginContext {
  readonly runtime: PluginRuntime
  readonly deliveries: DeliveryHooks
  readonly refusals: RefusalHooks
  readonly releases: Releases
  /** The recipients of each RCPT TO command of a relay, before other plugins changed them. */
  readonly commands = new TransactionMap<RcptCommands<HarakaAddress>>()
  readonly hooks: HooksToAdd
  readonly #methods: SpecialMethods
  readonly #faults = new RepeatedFaults()
  readonly #failed = () => this.runtime.counts.faulted()

  /** @throws ConfigurationError with every error that the files have */
  constructor(options: PluginRuntimeOptions, methods: SpecialMethods, hooks: HooksToAdd) {
    const runtime = new PluginRuntime(options)
    this.runtime = runtime
    this.#methods = methods
    this.hooks = hooks
    this.deliveries = new DeliveryHooks(runtime, hooks, () => this.wakeDispatcher())
    this.releases = new Releases(runtime)
    this.refusals = new RefusalHooks({
      activeConfig: () => runtime.activeConfig(),
      isExempt: connection => this.isOthers(connection) || this.releases.isReleased(connection),
      commandsOf: transaction => this.commands.get(transaction),
      lastMethods: methods.last,
      laterMethod: methods.later,
      beforeHeld: () => hooks.forHeld(),
      isSurge: (refusal, recipients) => runtime.surges.refused(refusal, recipients),
      count: (refusal, outcome) => runtime.counts.refused(refusal, outcome),
    })
  }

  /** Whether the peer isn't a trusted relay. On many servers that is most of the mail. */
  isOthers({ remote, notes }: HarakaConnection): boolean {
    const activeConfig = this.runtime.activeConfig()
    const authUser = typeof notes.auth_user === 'string' ? notes.auth_user : undefined
    return activeConfig.idle || !activeConfig.trusts(remote.ip, authUser)
  }

  hookCall(plugin: HarakaPlugin, connection: HarakaConnection, next: Next): HookCall {
    return { plugin, connection, next, failed: this.#failed, faults: this.#faults }
  }

  /** `hookCall`, but a refusal that another plugin overrides becomes temporary: else Haraka would deliver the mail. */
  afterData(plugin: HarakaPlugin, connection: HarakaConnection, next: Next): HookCall {
    return {
      plugin,
      connection,
      next,
      failed: this.#failed,
      faults: this.#faults,
      ifOverridden: this.#methods.again,
    }
  }

  wakeDispatcher(): void {
    if (cluster.isWorker) process.send?.({ event: WAKE }, undefined, undefined, () => undefined)
    else this.runtime.wake()
  }

  /** In the master: wakes the dispatcher when a worker asks for it. */
  listenToWorkers(): void {
    cluster.on('message', (_worker, message: unknown) => {
      if (typeof message === 'object' && message !== null && 'event' in message && message.event === WAKE)
        this.runtime.wake()
    })
  }
}
