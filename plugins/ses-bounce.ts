// Haraka's hooks in, decisions out. Beside src/haraka the only file that knows a Connection or a Transaction.
// A fault of ours in a hook ends in a temporary refusal and a log line: never an accepted mail, a hang or a crash.

import cluster from 'node:cluster'
import { deny, denysoft, ok } from 'haraka-constants'
import { commitPlan } from '../src/app/commit'
import { evaluateMail, type MailEvaluation } from '../src/app/evaluate-mail'
import { logLine } from '../src/app/log-line'
import { type CommitPlan, type Plan, replyText } from '../src/app/plan'
import { PluginRuntime } from '../src/app/plugin-runtime'
import { type Line, linesOf, resultsOf } from '../src/app/report'
import { forecast } from '../src/app/submit'
import { withoutHidden } from '../src/config/hidden-values'
import { systemClock } from '../src/dispatch/clock'
import { errorText } from '../src/haraka/error-text'
import { answerHook, type HookAnswer, type HookCall, NEXT_PLUGIN } from '../src/haraka/hook-answer'
import { incomingMailOf, targetsOf } from '../src/haraka/incoming-mail'
import { pipeRaw } from '../src/haraka/pipe-raw'
import { RcptCommands } from '../src/haraka/rcpt-commands'
import type {
  HarakaAddress,
  HarakaConnection,
  HarakaPlugin,
  HarakaTransaction,
  Next,
} from '../src/haraka/types'
import { UnclosedRelays } from '../src/haraka/unclosed-relays'
import type { HarakaServer } from '../src/haraka/web-server'
import { mount } from '../src/http/mount'
import { allRoutes, type HttpContext } from '../src/http/routes'
import { warmUp } from '../src/mail/header'
import { RELEASE_PARAMETER, redeemReleaseToken, releaseTokenFolder } from '../src/quarantine/release-token'

/** Haraka bounds priorities at 100: the last to decide, the first to commit. */
const LAST = 100
const FIRST = -100

/** From a worker to the master: there is a new job. */
const WAKE = 'ses-bounce.wake'

interface Pending {
  evaluation: MailEvaluation
  plan: CommitPlan
  /** What stands in the transaction for each decision, in their order. */
  targets: readonly (readonly HarakaAddress[])[]
}

/** The answer to a release token that isn't good, or no longer. */
const BAD_TOKEN = '5.7.1 This release token is not good'

let runtime: PluginRuntime
/** Between data_post and queue. */
const pending = new WeakMap<HarakaTransaction, Pending>()
const unclosedRelays = new UnclosedRelays()
/** An operator hands them back from the quarantine: no rule is asked about them. */
const released = new WeakSet<HarakaTransaction>()
/** The RCPT TO of relays, as they stood in the commands. */
const rcptCommands = new WeakMap<HarakaTransaction, RcptCommands<HarakaAddress>>()

/** Haraka calls it in the master and in every worker; a throw stops Haraka at boot. */
export function register(this: HarakaPlugin): void {
  runtime = new PluginRuntime({
    harakaDir: process.env['HARAKA'] ?? process.cwd(),
    isWorker: cluster.isWorker,
    log: (level, message) => this[`log${level}`](withoutHidden(message)),
  })
  this.register_hook('init_master', 'start_dispatcher')
  this.register_hook('init_child', 'start_worker')
  // before one that answers late: Haraka's own last word on unknown addresses doesn't wait for it
  this.register_hook('init_http', 'serve_http', FIRST)
  this.register_hook('mail', 'redeem_release_token', FIRST)
  this.register_hook('rcpt', 'note_recipient', FIRST)
  this.register_hook('data', 'end_recipients', FIRST)
  this.register_hook('data_post', 'decide', LAST)
  this.register_hook('queue', 'commit', FIRST)
  this.register_hook('queue_outbound', 'commit', FIRST)
}

/** init_master: the master before it forks, or the one process. */
export function start_dispatcher(this: HarakaPlugin, next: Next, server: HarakaServer): void {
  try {
    runtime.startDispatcher()
  } catch (error) {
    next(deny, errorText(error))
    return
  }
  cluster.on('message', (_worker, message: unknown) => {
    if (typeof message === 'object' && message !== null && 'event' in message && message.event === WAKE)
      runtime.wake()
  })
  // a master that will fork takes no mail
  if (server.cluster) next()
  else start_worker.call(this, next)
}

/** init_child: each worker, or the one process. What the first mail would wait for is loaded now. */
export function start_worker(this: HarakaPlugin, next: Next): void {
  if (!runtime.activeConfig().idle) {
    const report = (error: unknown) => this.logerror(`mailparser can't be loaded: ${errorText(error)}`)
    warmUp().catch(report)
    runtime.warmUp().catch(report)
  }
  next()
}

/** init_http: each worker, or the one process, once Haraka's web server is there. */
export function serve_http(this: HarakaPlugin, next: Next, server: HarakaServer): void {
  const context: HttpContext = {
    activeConfig: () => runtime.activeConfig(),
    diagnostics: () => runtime.diagnostics(),
    queue: () => runtime.queue(),
    operator: () => runtime.operator(),
    figures: () => runtime.figures(),
    mailFolders: runtime.mailFolders,
    ordered: note => runtime.counts.ordered(note),
    wake: wakeDispatcher,
    log: (level, message) => this[`log${level}`](withoutHidden(message)),
    nowMs: () => Date.now(),
    nowMonoMs: () => systemClock.monoMs(),
  }
  if (server.http?.app) mount(server.http.app, allRoutes(context), context)
  next()
}

/** mail: a client with a good release token is the operator's command, from whatever address it comes. */
export function redeem_release_token(
  this: HarakaPlugin,
  next: Next,
  connection: HarakaConnection,
  params: [HarakaAddress, Record<string, unknown>],
): void {
  const token = params[1][RELEASE_PARAMETER]
  if (token === undefined) {
    next()
    return
  }
  answerHook(hookCall(this, connection, next), async () => {
    const { transaction } = connection
    const isGood =
      typeof token === 'string' &&
      (await redeemReleaseToken(releaseTokenFolder(runtime.harakaDir), token, Date.now()))
    if (!transaction || !isGood) return { code: deny, text: BAD_TOKEN }
    released.add(transaction)
    this.lognotice(connection, 'released from the quarantine by hand: the rules are not asked')
    return NEXT_PLUGIN
  })
}

/** rcpt, before any other plugin: what the relay's command says. */
export function note_recipient(
  next: Next,
  connection: HarakaConnection,
  params: [HarakaAddress, Record<string, unknown>],
): void {
  const [address, options] = params
  const { transaction } = connection
  if (transaction && !isOthers(connection)) {
    const known = rcptCommands.get(transaction) ?? new RcptCommands()
    rcptCommands.set(transaction, known)
    const notify = options['NOTIFY']
    const notifyNever = typeof notify === 'string' && notify.toUpperCase() === 'NEVER'
    known.add(address, notifyNever, transaction.rcpt_to)
  }
  next()
}

/** data, before any other plugin: what plugins made of the last command is there. */
export function end_recipients(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) rcptCommands.get(transaction)?.end(transaction.rcpt_to)
  next()
}

/** data_post: what is to become of the mail, as long as other plugins let it through. */
export function decide(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  if (isOthers(connection)) {
    next()
    return
  }
  answerHook(hookCall(this, connection, next), async () => {
    const { transaction } = connection
    if (!transaction || released.has(transaction)) return NEXT_PLUGIN
    const activeConfig = runtime.activeConfig()
    runtime.counts.inspected()
    const recipients = targetsOf(transaction, rcptCommands.get(transaction))
    const mail = incomingMailOf(connection, transaction, {
      recipients,
      contentLimitBytes: activeConfig.settings.content.limitBytes,
      workerThreads: runtime.workerThreads,
      nowMs: Date.now(),
      nowMonoMs: systemClock.monoMs(),
    })
    const { mode } = activeConfig.settings.main
    const evaluation = await evaluateMail(mail, activeConfig, () => runtime.queue()).catch(
      (error: unknown) => {
        if (mode === 'enforce') throw error
        this.logwarn(connection, `mode=observe, else a temporary refusal: ${errorText(error)}`)
      },
    )
    if (!evaluation) return NEXT_PLUGIN
    transaction.results.add(this, resultsOf(evaluation))
    const warning = unclosedRelays.note(connection.remote.ip, evaluation.facts.receipt, systemClock.monoMs())
    if (warning !== undefined) this.logwarn(connection, logLine({ warning }))
    const { plan } = evaluation
    if (plan.kind === 'commit') {
      // said when it has come true: the jobs are known by then
      pending.set(transaction, { evaluation, plan, targets: recipients.map(({ targets }) => targets) })
      return NEXT_PLUGIN
    }
    runtime.counts.evaluated(evaluation, mode)
    log(this, connection, linesOf(evaluation, evaluation.known, mode))
    return plan.kind === 'pass' ? NEXT_PLUGIN : refusal(plan)
  })
}

function refusal({ temporary, reply }: Extract<Plan, { kind: 'refuse' }>): HookAnswer {
  return { code: temporary ? denysoft : deny, text: replyText(reply) }
}

/** Mail of no relay of ours; most of a mail server's may be. */
function isOthers(connection: HarakaConnection): boolean {
  const activeConfig = runtime.activeConfig()
  return activeConfig.idle || !activeConfig.trusts(connection.remote.ip, authUserOf(connection))
}

/** queue and queue_outbound: no other plugin has refused the mail, so the decision comes true now. */
export function commit(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  if (!connection.transaction || !pending.has(connection.transaction)) {
    next()
    return
  }
  answerHook(hookCall(this, connection, next), async () => {
    const { transaction } = connection
    const waiting = transaction ? pending.get(transaction) : undefined
    if (!transaction || !waiting) return NEXT_PLUGIN
    const { targets } = waiting
    const { policy, settings } = runtime.activeConfig()
    const { evaluation, added, quarantined } = await commitPlan(waiting.evaluation, waiting.plan, {
      folders: runtime.mailFolders,
      policy,
      settings,
      queue: () => runtime.queue(),
      uuid: transaction.uuid,
      nowMs: Date.now(),
      forecast: forecast(settings, systemClock.monoMs()),
      pipeRaw: to => pipeRaw(transaction.message_stream, to),
    })
    if (added.size > 0) wakeDispatcher()
    runtime.counts.evaluated(evaluation, 'enforce')
    log(this, connection, linesOf(evaluation, new Map([...evaluation.known, ...added]), 'enforce'))
    if (quarantined !== undefined) this.lognotice(connection, logLine({ quarantined }))
    const { plan } = evaluation
    if (plan.kind === 'pass') return NEXT_PLUGIN
    if (plan.kind === 'refuse') return refusal(plan)
    transaction.rcpt_to = withoutConsumed(transaction.rcpt_to, evaluation, plan, targets)
    return transaction.rcpt_to.length === 0 ? { code: ok, text: 'Message taken by policy' } : NEXT_PLUGIN
  })
}

/** Haraka doesn't wait for it. */
export function shutdown(): void {
  runtime.close()
}

/** What goes on to the next queue plugin. */
function withoutConsumed(
  rcptTo: readonly HarakaAddress[],
  { decisions }: MailEvaluation,
  { consumed }: CommitPlan,
  targets: Pending['targets'],
): HarakaAddress[] {
  // what other plugins have put there since belongs to nobody else
  if (consumed.length === decisions.length) return []
  const isConsumed = new Set(consumed)
  const gone = new Set(
    decisions.flatMap((decision, at) => (isConsumed.has(decision) ? (targets[at] ?? []) : [])),
  )
  return rcptTo.filter(target => !gone.has(target))
}

function authUserOf({ notes }: HarakaConnection): string | undefined {
  return typeof notes.auth_user === 'string' ? notes.auth_user : undefined
}

function log(plugin: HarakaPlugin, connection: HarakaConnection, lines: readonly Line[]): void {
  for (const { level, text } of lines) plugin[`log${level}`](connection, text)
}

function wakeDispatcher(): void {
  if (cluster.isWorker) process.send?.({ event: WAKE }, undefined, undefined, () => undefined)
  else runtime.wake()
}

function hookCall(plugin: HarakaPlugin, connection: HarakaConnection, next: Next): HookCall {
  return { plugin, connection, next, failed: () => runtime.counts.faulted() }
}
