// Several recipients at queue/smtp_forward: it stops at the first refusal and gives one reply for all of them, without saying
// whose it is. Haraka's outbound delivery to the same server gives each recipient its own, so it gets such mail instead.
// The plugin stays where it stands among the queue plugins, and still does all other mail.

import { denysoft } from 'haraka-constants'
import { type DeliveryNote, writeDeliveryNote } from './delivery-note'
import { errorText } from './error-text'
import type { HarakaConnection, HarakaPlugin, HarakaTransaction, HookToRun, Next } from './types'

export const SMTP_FORWARD = 'queue/smtp_forward'

/** The parts of queue/smtp_forward that are used (plugins/queue/smtp_forward.js). */
interface ForwardPlugin {
  name: string
  get_config(connection: unknown): ForwardConfig
  forward_enabled(connection: unknown, config: ForwardConfig): boolean
}

interface ForwardConfig {
  host?: unknown
  port?: unknown
  auth_type?: unknown
  auth_user?: unknown
  auth_pass?: unknown
  /** `192.0.2.1:25, 192.0.2.2:25` */
  forwarding_host_pool?: unknown
}

/** Haraka's outbound/index.js. */
export interface Outbound {
  send_trans_email(transaction: HarakaTransaction, next: Next): void
}

/** A server for Haraka's hook get_mx. */
export interface MailExchange {
  priority: number
  exchange: string
  port: number
  auth_type?: unknown
  auth_user?: unknown
  auth_pass?: unknown
}

/** Keys in the notes of mail that was split. */
const QUEUE = 'queue'
const SPLIT = 'ses-bounce-split'

/** Hook queue, before the others: has Haraka run `split` in the place of queue/smtp_forward. */
export function splitForward(
  connection: HarakaConnection,
  outbound: Outbound,
  plugin: HarakaPlugin,
  note: DeliveryNote,
): void {
  // Haraka takes them from this list one by one
  const { hooks_to_run: hooks } = connection
  const at = hooks?.findIndex(([{ name }]) => name === SMTP_FORWARD) ?? -1
  const hook = hooks?.[at]
  if (hooks === undefined || hook === undefined) return
  const [forward, method] = hook as unknown as [ForwardPlugin & Record<string, unknown>, string]
  const original = forward[method]
  if (typeof original !== 'function' || typeof forward.get_config !== 'function') return
  const split = (next: Next, given: HarakaConnection): void => {
    const { transaction } = given
    if (transaction === null || transaction.rcpt_to.length < 2 || !isWanted(forward, given)) {
      original.call(forward, next, given)
      return
    }
    noteRoute(transaction, forward.get_config(given))
    writeDeliveryNote(transaction, note)
    plugin.loginfo(given, 'several recipients: delivered outbound, so that each gets its own reply')
    outbound.send_trans_email(transaction, next)
  }
  // Haraka finds name and time limit of the plugin in its place
  const stand: Record<string, unknown> = Object.create(forward) as Record<string, unknown>
  stand[method] = (next: Next, given: HarakaConnection): void => {
    try {
      split(next, given)
    } catch (error) {
      plugin.logerror(given, `temporary refusal: ${errorText(error)}`)
      next(denysoft)
    }
  }
  hooks.splice(at, 1, [stand as HookToRun[0] & typeof stand, method])
}

/**
 * Hook get_mx, before the others: the servers of split mail, where the notes don't name them: several, or one that wants a
 * password, which doesn't go into a file. Undefined: it isn't such mail.
 */
export function forwardExchange(mail: {
  todo: { notes: Readonly<Record<string, unknown>>; mail_from: unknown; rcpt_to: unknown } | null
  hooks_to_run?: readonly unknown[]
}): MailExchange[] | undefined {
  const { todo, hooks_to_run: hooks = [] } = mail
  if (!isSplit(mail)) return undefined
  const forward = hooks.map(hook => (hook as HookToRun)[0]).find(({ name }) => name === SMTP_FORWARD)
  const config = (forward as Partial<ForwardPlugin> | undefined)?.get_config?.({ transaction: todo })
  return config && (isPlain(config) ? undefined : exchangesOf(config))
}

export function isSplit({ todo }: { todo: { notes: Readonly<Record<string, unknown>> } | null }): boolean {
  return todo?.notes[SPLIT] === true
}

function isWanted(forward: ForwardPlugin, connection: HarakaConnection): boolean {
  const config = forward.get_config(connection)
  return forward.forward_enabled(connection, config) && exchangesOf(config).length > 0
}

/** Makes the note that queue/smtp_forward makes itself, so that its hook get_mx finds the server. */
function noteRoute({ notes }: HarakaTransaction, config: ForwardConfig): void {
  const queue = {
    ...(notes[QUEUE] as object | undefined),
    wants: 'smtp_forward',
    ...(isPlain(config) && { next_hop: `smtp://${textOf(config.host)}:${textOf(config.port)}` }),
  }
  Object.assign(notes, { [QUEUE]: queue, [SPLIT]: true })
}

function isPlain({ auth_user: user, forwarding_host_pool: pool }: ForwardConfig): boolean {
  return !user && !pool
}

function exchangesOf(config: ForwardConfig): MailExchange[] {
  const { host, port, forwarding_host_pool: pool, auth_type, auth_user, auth_pass } = config
  const auth = auth_user ? { auth_type, auth_user, auth_pass } : {}
  const servers = pool ? textOf(pool).split(/\s*,\s*/) : [`${textOf(host)}:${textOf(port)}`]
  return servers.flatMap(server => {
    const [, exchange, number] = /^\s*(.+):(\d+)\s*$/.exec(server) ?? []
    return exchange === undefined ? [] : [{ priority: 0, exchange, port: Number(number), ...auth }]
  })
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
