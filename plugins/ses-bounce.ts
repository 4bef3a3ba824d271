// The plugin's hooks. Only this file and src/haraka know Haraka's Connection and Transaction.
// A fault of ours in a hook gives a temporary refusal and a log line, never an accepted mail, a hang or a crash.

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
import { incomingMailOf, remainingTargets, targetsOf } from '../src/haraka/incoming-mail'
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

/** Haraka's priorities go from -100 to 100: this plugin decides last and commits first. */
const LAST = 100
const FIRST = -100

/** The message with which a worker tells the master that there is a new job. */
const WAKE = 'ses-bounce.wake'

interface Pending {
  evaluation: MailEvaluation
  plan: CommitPlan
  /** For each decision, in order, its recipients in the transaction. */
  targets: readonly (readonly HarakaAddress[])[]
}

/** The answer to an invalid or expired release token. */
const BAD_TOKEN = '5.7.1 This release token is not valid'

let runtime: PluginRuntime
/** Decisions that wait between the hooks data_post and queue. */
const pending = new WeakMap<HarakaTransaction, Pending>()
const unclosedRelays = new UnclosedRelays()
/** Mail that an operator releases from the quarantine: the rules don't apply to it. */
const released = new WeakSet<HarakaTransaction>()
/** The recipients of each RCPT TO command of a relay, before other plugins changed them. */
const rcptCommands = new WeakMap<HarakaTransaction, RcptCommands<HarakaAddress>>()

/** Haraka calls it in the master and in every worker. An exception stops Haraka at boot. */
export function register(this: HarakaPlugin): void {
  runtime = new PluginRuntime({
    harakaDir: process.env['HARAKA'] ?? process.cwd(),
    isWorker: cluster.isWorker,
    log: (level, message) => this[`log${level}`](withoutHidden(message)),
  })
  this.register_hook('init_master', 'start_dispatcher')
  this.register_hook('init_child', 'start_worker')
  // first, as Haraka answers unknown paths itself and doesn't wait for a plugin that mounts its routes late
  this.register_hook('init_http', 'serve_http', FIRST)
  this.register_hook('mail', 'redeem_release_token', FIRST)
  this.register_hook('rcpt', 'note_recipient', FIRST)
  this.register_hook('data', 'end_recipients', FIRST)
  this.register_hook('data_post', 'decide', LAST)
  this.register_hook('queue', 'commit', FIRST)
  this.register_hook('queue_outbound', 'commit', FIRST)
}

/** Hook init_master: runs in the master before it forks, or in the only process. */
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
  // a master that forks workers receives no mail itself
  if (server.cluster) next()
  else start_worker.call(this, next)
}

/** Hook init_child: runs in each worker, or in the only process. Loads the parsers, so that the first mail doesn't wait. */
export function start_worker(this: HarakaPlugin, next: Next): void {
  if (!runtime.activeConfig().idle) {
    const report = (error: unknown) => this.logerror(`mailparser can't be loaded: ${errorText(error)}`)
    warmUp().catch(report)
    runtime.warmUp().catch(report)
  }
  next()
}

/** Hook init_http: runs in each worker, or in the only process, when Haraka's web server is ready. */
export function serve_http(this: HarakaPlugin, next: Next, server: HarakaServer): void {
  const context: HttpContext = {
    activeConfig: () => runtime.activeConfig(),
    diagnostics: () => runtime.diagnostics(),
    queue: () => runtime.queue(),
    operator: () => runtime.operator(),
    mailFolders: runtime.mailFolders,
    submitted: note => runtime.counts.submitted(note),
    wake: wakeDispatcher,
    log: (level, message) => this[`log${level}`](withoutHidden(message)),
    nowMs: () => Date.now(),
    nowMonoMs: () => systemClock.monoMs(),
  }
  if (server.http?.app) mount(server.http.app, allRoutes(context), context)
  next()
}

/** Hook mail: a client with a valid release token is the operator's command, whatever its address. */
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
    this.lognotice(connection, 'released from the quarantine by hand: rules do not apply')
    return NEXT_PLUGIN
  })
}

/** Hook rcpt, before any other plugin: notes the recipient that the relay's command names. */
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

/** Hook data: plugins that replace the last command's recipient have done so by now. */
export function end_recipients(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) rcptCommands.get(transaction)?.end(transaction.rcpt_to)
  next()
}

/** Hook data_post: decides about the mail. Other plugins may still refuse it afterwards. */
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
      // `commit` logs these decisions, as it knows their jobs
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

/** Whether the peer isn't a trusted relay. On many servers that is most of the mail. */
function isOthers(connection: HarakaConnection): boolean {
  const activeConfig = runtime.activeConfig()
  return activeConfig.idle || !activeConfig.trusts(connection.remote.ip, authUserOf(connection))
}

/** Hooks queue and queue_outbound: no other plugin has refused the mail, so the decisions are carried out. */
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
    return transaction.rcpt_to.length === 0 ? { code: ok, text: 'Message accepted by policy' } : NEXT_PLUGIN
  })
}

/** Haraka calls it when it ends, and doesn't wait for it. */
export function shutdown(): void {
  runtime.close()
}

/** The recipients that stay for the next queue plugin. */
function withoutConsumed(
  rcptTo: readonly HarakaAddress[],
  { decisions }: MailEvaluation,
  { consumed }: CommitPlan,
  targets: Pending['targets'],
): HarakaAddress[] {
  // recipients that other plugins have added since then belong to these decisions too
  if (consumed.length === decisions.length) return []
  const isConsumed = new Set(consumed)
  const of = (wanted: boolean) =>
    decisions.flatMap((decision, at) => (isConsumed.has(decision) === wanted ? (targets[at] ?? []) : []))
  return remainingTargets(rcptTo, { consumed: of(true), others: of(false) })
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
