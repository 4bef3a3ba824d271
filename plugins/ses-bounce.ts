// The plugin's hooks: Haraka calls these functions by their names, and src/haraka does their work. Only this file and
// src/haraka know Haraka's Connection and Transaction.
// A fault of ours in a hook gives a temporary refusal and a log line, never an accepted mail, a hang or a crash.

import cluster from 'node:cluster'
import { deny, denysoft } from 'haraka-constants'
import { withoutHidden } from '../src/config/hidden-values'
import { errorText } from '../src/haraka/error-text'
import { TRY_LATER } from '../src/haraka/hook-answer'
import { keepLimit } from '../src/haraka/hook-limit'
import { mountRoutes } from '../src/haraka/http-hook'
import { MailHooks } from '../src/haraka/mail-hooks'
import type { Deferral, DeliveryError, OutboundMail } from '../src/haraka/outbound-mail'
import { PluginContext } from '../src/haraka/plugin-context'
import { RecipientHooks } from '../src/haraka/recipient-hooks'
import { PluginHooks, QUEUE_HOOK, RCPT_HOOK } from '../src/haraka/register-hooks'
import type { DenyParams, HarakaAddress, HarakaConnection, HarakaPlugin, Next } from '../src/haraka/types'
import type { HarakaServer } from '../src/haraka/web-server'
import { warmUp } from '../src/mail/header'

let hooks: PluginHooks
let context: PluginContext
let recipients: RecipientHooks
let mails: MailHooks

/** Haraka calls it in the master and in every worker. An exception stops Haraka at boot. */
export function register(this: HarakaPlugin): void {
  context = new PluginContext(
    {
      harakaDir: process.env['HARAKA'] ?? process.cwd(),
      isWorker: cluster.isWorker,
      log: (level, message) => this[`log${level}`](withoutHidden(message)),
      onChange: ({ asksAboutRefusals }) => {
        if (asksAboutRefusals) hooks.addForRefusalsLater()
      },
    },
    { last: { rcpt: RCPT_HOOK, queue: QUEUE_HOOK }, later: 'refuse_for_now', again: 'refuse_again' },
    { forCommit: () => hooks.forCommit(), forHeld: () => hooks.forHeld() },
  )
  recipients = new RecipientHooks(context, () => hooks.addForSeveral())
  mails = new MailHooks(context, recipients)
  hooks = new PluginHooks(this)
  if (context.runtime.activeConfig().asksAboutRefusals) hooks.addForRefusals()
}

/** Hook init_master: runs in the master before it forks, or in the only process. */
export function start_dispatcher(this: HarakaPlugin, next: Next, server: HarakaServer): void {
  context.listenToWorkers()
  const goOn = (fault: string | undefined) => {
    if (fault !== undefined) next(deny, fault)
    // a master that forks workers receives no mail itself
    else if (server.cluster) next()
    else start_worker.call(this, next)
  }
  void context.runtime.boot().then(
    () => goOn(undefined),
    (error: unknown) => goOn(errorText(error)),
  )
}

/** Hook init_child: runs in each worker, or in the only process. Loads the parsers, so that the first mail doesn't wait. */
export function start_worker(this: HarakaPlugin, next: Next): void {
  hooks.putInOrder()
  keepLimit(this)
  const { runtime } = context
  if (!runtime.activeConfig().idle) {
    const report = (error: unknown) => this.logerror(`mailparser can't be loaded: ${errorText(error)}`)
    warmUp().catch(report)
    runtime.warmUp().catch(report)
  }
  next()
}

/** Hook init_http: runs in each worker, or in the only process, when Haraka's web server is ready. */
export function serve_http(this: HarakaPlugin, next: Next, server: HarakaServer): void {
  mountRoutes(context, this, server)
  next()
}

/** Hook unrecognized_command: an operator's command hands mail back from the quarantine. */
export function redeem_release_token(
  this: HarakaPlugin,
  next: Next,
  connection: HarakaConnection,
  params: readonly string[],
): void {
  context.releases.redeem(context.hookCall(this, connection, next), params)
}

/** Hook rcpt, before any other plugin. */
export function note_recipient(
  next: Next,
  connection: HarakaConnection,
  [address, options]: [HarakaAddress, Record<string, unknown>],
): void {
  recipients.note(connection, address, options)
  next()
}

/** Hook rcpt, after all others. */
export function accept_refused_recipient(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  recipients.acceptRefused(this, next, connection, RCPT_HOOK)
}

/** Hook rcpt_ok. */
export function keep_refused_recipient(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  recipients.keepFromOthers(this, next, connection)
}

/** Hook deny: another plugin refuses. */
export function hold_refusal(
  this: HarakaPlugin,
  next: Next,
  connection: HarakaConnection,
  params: DenyParams,
): void {
  recipients.holdRefusal(this, next, connection, params)
}

/** Called in place of other plugins' hooks, where most recipients are refused: something may be broken. */
export function refuse_for_now(next: Next): void {
  next(denysoft, TRY_LATER)
}

/** Hook data, for mail with several recipients. */
export function end_recipients(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) recipients.end(transaction)
  next()
}

/** Hook data, where rules are about refusals. */
export function note_accepted(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) recipients.noteAccepted(transaction, 'mail', 'rcpt')
  next()
}

/** Hook data_post. */
export function decide(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  mails.decide(this, next, connection)
}

/** Hooks queue and queue_outbound. */
export function commit(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  mails.commit(this, next, connection)
}

/** Called in place of the plugins that are left, where another one has overridden a refusal of ours. */
export function refuse_again(this: HarakaPlugin, _next: Next, connection: HarakaConnection): void {
  this.lognotice(connection, 'temporary refusal: a plugin has overridden one of ours')
  // as Haraka's queue_respond: an answer to `next` could be overridden as well
  connection.respond(450, TRY_LATER, () => connection.reset_transaction(() => connection.resume()))
}

/** Hooks queue and queue_outbound, after all others. */
export function settle_queue_refusal(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  mails.settleQueueRefusal(this, next, connection, QUEUE_HOOK)
}

/** Hook queue_ok: a queue plugin has accepted the recipients that are left. */
export function note_queued(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) recipients.noteAccepted(transaction, 'queue')
  next()
}

/** Hook get_mx: Haraka tries to deliver a mail. */
export function follow_delivery(this: HarakaPlugin, next: Next, mail: OutboundMail): void {
  context.deliveries.follow(this, next, mail)
}

/** Hook bounce: Haraka has given up on a delivery. */
export function decide_given_up(
  this: HarakaPlugin,
  next: Next,
  mail: OutboundMail,
  error: DeliveryError,
): void {
  context.deliveries.givenUp(this, next, mail, error)
}

/** Hook deferred: Haraka is to try a delivery again. */
export function decide_deferred(
  this: HarakaPlugin,
  next: Next,
  mail: OutboundMail,
  deferral: Deferral,
): void {
  context.deliveries.deferred(this, next, mail, deferral)
}

/** Hook delivered, whose parameters begin with host, address, reply, delay, port and protocol. */
export function note_delivered(
  this: HarakaPlugin,
  next: Next,
  mail: OutboundMail,
  params: readonly unknown[],
): void {
  context.deliveries.delivered(this, next, mail, params[6])
}

/** Haraka calls it when it ends, and doesn't wait for it. */
export function shutdown(): void {
  context.runtime.close()
}
