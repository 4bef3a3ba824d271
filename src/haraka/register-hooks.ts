// The hooks that the plugin has at Haraka. Each call of a hook costs a mail some microseconds, so some are added when they are
// needed for the first time: those for rules about refusals at boot or after a reload, that for mail with several recipients with
// the second RCPT TO, those that carry decisions out with the first decision, and that for refusals that are kept from the relay
// with the first of them. They stay, as a mail may be under way.

import { queueFirst } from './queue-order'
import type { HarakaPlugin, HarakaPlugins, RegisteredHook } from './types'

/** Haraka's priorities go from -100 to 100: this plugin decides last and commits first. */
export const LAST = 100
export const FIRST = -100

type Hook = readonly [hook: string, method: string, priority?: number]

const ALWAYS: readonly [Hook, ...Hook[]] = [
  ['init_master', 'start_dispatcher'],
  ['init_child', 'start_worker'],
  // first, as Haraka answers unknown paths itself and doesn't wait for a plugin that mounts its routes late
  ['init_http', 'serve_http', FIRST],
  ['unrecognized_command', 'redeem_release_token', FIRST],
  ['rcpt', 'note_recipient', FIRST],
  ['deny', 'hold_refusal', FIRST],
  ['data_post', 'decide', LAST],
  ['get_mx', 'follow_delivery', FIRST],
  ['bounce', 'decide_given_up', LAST],
  ['deferred', 'decide_deferred', LAST],
  ['delivered', 'note_delivered', FIRST],
]

/** Runs only where a queue plugin has refused, or none took the mail. */
export const QUEUE_HOOK = 'settle_queue_refusal'
export const RCPT_HOOK = 'accept_refused_recipient'

/** Hooks for mail with several RCPT TO. */
const FOR_SEVERAL: readonly Hook[] = [['data', 'end_recipients', FIRST]]

/** Hooks for mail whose decisions are to be carried out. */
const FOR_COMMIT: readonly Hook[] = [
  ['queue', 'commit', FIRST],
  ['queue_outbound', 'commit', FIRST],
]

/** Hooks for refusals that the relay hasn't heard. */
const FOR_HELD: readonly Hook[] = [['rcpt_ok', 'keep_refused_recipient', FIRST]]

const FOR_REFUSALS: readonly Hook[] = [
  ['data', 'note_accepted', FIRST],
  ['rcpt', RCPT_HOOK, LAST],
  ['queue', QUEUE_HOOK, LAST],
  ['queue_outbound', QUEUE_HOOK, LAST],
  ['queue_ok', 'note_queued', FIRST],
]

/** Adds the hooks that are needed from now on. */
export interface HooksToAdd {
  /** Decisions are to be carried out when no other plugin has refused the mail. */
  forCommit(): void
  /** A refusal is kept from the relay. */
  forHeld(): void
}

export class PluginHooks implements HooksToAdd {
  readonly #plugin: HarakaPlugin
  readonly #added = new Set<readonly Hook[]>()

  /** To be made when Haraka calls `register`: it puts the hooks in order afterwards. */
  constructor(plugin: HarakaPlugin) {
    this.#plugin = plugin
    this.#add(ALWAYS)
  }

  /** To be called before Haraka puts the hooks in order. */
  addForRefusals(): void {
    this.#add(FOR_REFUSALS)
  }

  /** To be called when all plugins are loaded. */
  putInOrder(): void {
    queueFirst(this.#registered, this.#plugin.name, FIRST)
  }

  addForRefusalsLater(): void {
    this.#addLater(FOR_REFUSALS)
  }

  addForSeveral(): void {
    this.#addLater(FOR_SEVERAL)
  }

  forCommit(): void {
    this.#addLater(FOR_COMMIT)
  }

  forHeld(): void {
    this.#addLater(FOR_HELD)
    this.#addLater(FOR_COMMIT)
  }

  /** Haraka has put the hooks in order long ago. They get the places that they would have had then. */
  #addLater(hooks: readonly Hook[]): void {
    if (this.#added.has(hooks)) return
    this.#add(hooks)
    for (const [hook, method] of hooks) {
      const all = this.#registered[hook] ?? []
      const added = all.findLast(one => one.plugin === this.#plugin.name && one.method === method)
      if (added) added.order = this.#order
      all.sort(inHarakasOrder)
    }
    this.putInOrder()
  }

  /** The order of the first hook that was registered at boot, so that our hooks come together there. */
  get #order(): number {
    const [[hook]] = ALWAYS
    return this.#registered[hook]?.find(({ plugin }) => plugin === this.#plugin.name)?.order ?? 0
  }

  #add(hooks: readonly Hook[]): void {
    this.#added.add(hooks)
    for (const [hook, method, priority] of hooks) this.#plugin.register_hook(hook, method, priority)
  }

  get #registered(): HarakaPlugins['registered_hooks'] {
    return (this.#plugin.haraka_require('plugins') as HarakaPlugins).registered_hooks
  }
}

/** Sorts like Haraka's plugins.js, load_plugins. */
function inHarakasOrder(one: RegisteredHook, other: RegisteredHook): number {
  return one.priority - other.priority || one.order - other.order
}
