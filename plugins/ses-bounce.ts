// The plugin's hooks. Only this file and src/haraka know Haraka's Connection and Transaction.
// A fault of ours in a hook gives a temporary refusal and a log line, never an accepted mail, a hang or a crash.

import cluster from 'node:cluster'
import { deny, denysoft, ok } from 'haraka-constants'
import { commitPlan } from '../src/app/commit'
import { evaluateInTime } from '../src/app/evaluate-in-time'
import type { MailEvaluation } from '../src/app/evaluate-mail'
import { logLine } from '../src/app/log-line'
import { type CommitPlan, type Plan, planFor, replyText } from '../src/app/plan'
import { PluginRuntime } from '../src/app/plugin-runtime'
import { refusedTogether } from '../src/app/refused-mail'
import { type Line, linesOf, resultsOf } from '../src/app/report'
import { forecast } from '../src/app/submit'
import { withoutHidden } from '../src/config/hidden-values'
import { systemClock } from '../src/dispatch/clock'
import { DeliveryHooks } from '../src/haraka/delivery-hooks'
import { errorText } from '../src/haraka/error-text'
import type { HeldRefusals } from '../src/haraka/held-refusals'
import { answerHook, type HookAnswer, type HookCall, NEXT_PLUGIN, TRY_LATER } from '../src/haraka/hook-answer'
import { incomingMailOf, remainingTargets, targetsOf } from '../src/haraka/incoming-mail'
import type { Deferral, DeliveryError, OutboundMail } from '../src/haraka/outbound-mail'
import { pipeRaw } from '../src/haraka/pipe-raw'
import { queueFirst } from '../src/haraka/queue-order'
import { type RcptCommand, RcptCommands, type Targets } from '../src/haraka/rcpt-commands'
import { RefusalHooks } from '../src/haraka/refusal-hooks'
import type {
  DenyParams,
  HarakaAddress,
  HarakaConnection,
  HarakaPlugin,
  HarakaPlugins,
  HarakaTransaction,
  Next,
} from '../src/haraka/types'
import { UnclosedRelays } from '../src/haraka/unclosed-relays'
import type { HarakaServer } from '../src/haraka/web-server'
import { mount } from '../src/http/mount'
import { allRoutes, type HttpContext } from '../src/http/routes'
import { addressKey } from '../src/mail/address'
import { warmUp } from '../src/mail/header'
import type { RefusalStage } from '../src/mail/refusal'
import type { Decision } from '../src/policy/decision'
import { RELEASE_PARAMETER } from '../src/quarantine/release-token'

/** Haraka's priorities go from -100 to 100: this plugin decides last and commits first. */
const LAST = 100
const FIRST = -100

/** Runs only where a queue plugin has refused, or none took the mail. */
const QUEUE_HOOK = 'settle_queue_refusal'
const RCPT_HOOK = 'accept_refused_recipient'

/** Runs only where another plugin has overridden a refusal of ours. */
const AGAIN_METHOD = 'refuse_again'

/** The message with which a worker tells the master that there is a new job. */
const WAKE = 'ses-bounce.wake'

interface Pending {
  evaluation: MailEvaluation
  plan: CommitPlan
  /** For each decision, in order, its recipients in the transaction. */
  targets: readonly (readonly HarakaAddress[])[]
}

/** A fault of ours, which must never be seen. */
const WOULD_BE_DELIVERED = 'a refused recipient would be delivered'

/** The answer to an invalid or expired release token. */
const BAD_TOKEN = '5.7.1 This release token is not valid'

let runtime: PluginRuntime
let deliveries: DeliveryHooks
/** Decisions that wait between the hooks data_post and queue. */
const pending = new WeakMap<HarakaTransaction, Pending>()
const unclosedRelays = new UnclosedRelays()
/** Mail that an operator releases from the quarantine: the rules don't apply to it. */
const released = new WeakSet<HarakaTransaction>()
/** The recipients of each RCPT TO command of a relay, before other plugins changed them. */
const rcptCommands = new WeakMap<HarakaTransaction, RcptCommands<HarakaAddress>>()
const refusals = new RefusalHooks({
  activeConfig: () => runtime.activeConfig(),
  isExempt: connection =>
    isOthers(connection) || (connection.transaction !== null && released.has(connection.transaction)),
  commandsOf: transaction => rcptCommands.get(transaction),
  lastMethods: { rcpt: RCPT_HOOK, queue: QUEUE_HOOK },
  laterMethod: 'refuse_for_now',
  isSurge: (refusal, recipients) => runtime.surges.refused(refusal, recipients),
  count: (refusal, outcome) => runtime.counts.refused(refusal, outcome),
})

/** Haraka calls it in the master and in every worker. An exception stops Haraka at boot. */
export function register(this: HarakaPlugin): void {
  runtime = new PluginRuntime({
    harakaDir: process.env['HARAKA'] ?? process.cwd(),
    isWorker: cluster.isWorker,
    log: (level, message) => this[`log${level}`](withoutHidden(message)),
  })
  deliveries = new DeliveryHooks(runtime, wakeDispatcher)
  this.register_hook('init_master', 'start_dispatcher')
  this.register_hook('init_child', 'start_worker')
  // first, as Haraka answers unknown paths itself and doesn't wait for a plugin that mounts its routes late
  this.register_hook('init_http', 'serve_http', FIRST)
  this.register_hook('mail', 'redeem_release_token', FIRST)
  this.register_hook('rcpt', 'note_recipient', FIRST)
  this.register_hook('rcpt', RCPT_HOOK, LAST)
  this.register_hook('rcpt_ok', 'keep_refused_recipient', FIRST)
  this.register_hook('deny', 'hold_refusal', FIRST)
  this.register_hook('data', 'end_recipients', FIRST)
  this.register_hook('data_post', 'decide', LAST)
  this.register_hook('queue', 'commit', FIRST)
  this.register_hook('queue_outbound', 'commit', FIRST)
  this.register_hook('queue_ok', 'note_queued', FIRST)
  this.register_hook('queue', QUEUE_HOOK, LAST)
  this.register_hook('queue_outbound', QUEUE_HOOK, LAST)
  this.register_hook('queue', 'split_recipients', FIRST)
  this.register_hook('queue_outbound', 'split_recipients', FIRST)
  this.register_hook('get_mx', 'follow_delivery', FIRST)
  this.register_hook('bounce', 'decide_given_up', LAST)
  this.register_hook('deferred', 'decide_deferred', LAST)
  this.register_hook('delivered', 'note_delivered', FIRST)
}

/** Hook init_master: runs in the master before it forks, or in the only process. */
export function start_dispatcher(this: HarakaPlugin, next: Next, server: HarakaServer): void {
  cluster.on('message', (_worker, message: unknown) => {
    if (typeof message === 'object' && message !== null && 'event' in message && message.event === WAKE)
      runtime.wake()
  })
  // an exception of Haraka's is its own: it must not become a rejection of ours
  const goOn = (fault: string | undefined) =>
    setImmediate(() => {
      if (fault !== undefined) next(deny, fault)
      // a master that forks workers receives no mail itself
      else if (server.cluster) next()
      else start_worker.call(this, next)
    })
  void runtime.boot().then(
    () => goOn(undefined),
    (error: unknown) => goOn(errorText(error)),
  )
}

/** Hook init_child: runs in each worker, or in the only process. Loads the parsers, so that the first mail doesn't wait. */
export function start_worker(this: HarakaPlugin, next: Next): void {
  const { registered_hooks: registered } = this.haraka_require('plugins') as HarakaPlugins
  queueFirst(registered, this.name, FIRST)
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
    mailStore: runtime.mailStore,
    surges: () => runtime.surgeFiles.all(),
    host: runtime.hostName,
    configDigest: () => runtime.configDigest(),
    submitted: note => runtime.counts.submitted(note),
    wake: wakeDispatcher,
    log: (level, message) => this[`log${level}`](withoutHidden(message)),
    nowMs: () => runtime.nowMs(),
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
      (await (await runtime.releaseTokens()).redeem(token, await runtime.learnTime()))
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
    refusals.rcptBegins(connection, transaction)
  }
  next()
}

/** Hook rcpt, after all others: no plugin has accepted the recipient, or one has refused it. */
export function accept_refused_recipient(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  atOnce(this, connection, next, () => {
    if (refusals.yields(this, connection, RCPT_HOOK)) return NEXT_PLUGIN
    const fate = refusals.unclaimed(this, connection)
    if (fate === 'later') return { code: denysoft, text: TRY_LATER }
    return fate === 'held' ? { code: ok } : NEXT_PLUGIN
  })
}

/** Hook rcpt_ok: a refused recipient is handed to no other plugin. */
export function keep_refused_recipient(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  atOnce(this, connection, next, () => {
    refusals.keepFromOthers(connection)
    return NEXT_PLUGIN
  })
}

/** Hook deny: another plugin refuses. Haraka would hang on any answer but OK and none, and on one that comes later. */
export function hold_refusal(
  this: HarakaPlugin,
  next: Next,
  connection: HarakaConnection,
  params: DenyParams,
): void {
  let isHeld = false
  try {
    if (params[2] === this.name) refusals.insists(connection, params[5])
    else isHeld = refusals.holds(this, connection, params)
  } catch (error) {
    runtime.counts.faulted()
    this.logerror(connection, `a refusal goes out as it came: ${errorText(error)}`)
  }
  next(isHeld ? ok : undefined)
}

/** Called in place of other plugins' hooks, where most recipients are refused: something may be broken. */
export function refuse_for_now(next: Next): void {
  next(denysoft, TRY_LATER)
}

/** As `answerHook`, for what needs no wait. */
function atOnce(
  plugin: HarakaPlugin,
  connection: HarakaConnection,
  next: Next,
  work: () => HookAnswer,
): void {
  let answer: HookAnswer
  try {
    answer = work()
  } catch (error) {
    runtime.counts.faulted()
    plugin.logerror(connection, `temporary refusal: ${errorText(error)}`)
    answer = { code: denysoft, text: TRY_LATER }
  }
  next(answer.code, answer.text)
}

/** Hook data: plugins that replace the last command's recipient have done so by now. */
export function end_recipients(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) {
    rcptCommands.get(transaction)?.end(transaction.rcpt_to)
    noteAccepted(transaction, 'mail', 'rcpt')
  }
  next()
}

/** Hook data_post: decides about the mail. Other plugins may still refuse it afterwards. */
export function decide(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  const held = refusals.of(connection.transaction)
  if (held === undefined && isOthers(connection)) {
    next()
    return
  }
  answerHook(afterData(this, connection, next), async () => {
    const { transaction } = connection
    if (!transaction || (held === undefined && released.has(transaction))) return NEXT_PLUGIN
    refusals.decides(transaction)
    const why = held && refusals.whyNotNow(connection, held)
    if (why !== undefined) return againLater(this, connection, why)
    noteAccepted(transaction, 'data')
    runtime.counts.inspected()
    const recipients = refusals.recipients(transaction)
    const evaluation = await evaluate(this, connection, transaction, recipients)
    if (held) held.isSettled = true
    if (!evaluation) return NEXT_PLUGIN
    const warning = unclosedRelays.note(connection.remote.ip, evaluation.facts.receipt, systemClock.monoMs())
    if (warning !== undefined) this.logwarn(connection, logLine({ warning }))
    const { plan } = evaluation
    if (plan.kind === 'commit') {
      // `commit` logs these decisions, as it knows their jobs
      pending.set(transaction, { evaluation, plan, targets: recipients.map(({ targets }) => targets) })
      return NEXT_PLUGIN
    }
    const { mode } = runtime.activeConfig().settings.main
    runtime.counts.evaluated(evaluation, mode)
    log(this, connection, linesOf(evaluation, evaluation.known, mode))
    if (plan.kind === 'pass') return NEXT_PLUGIN
    return refusal(plan, evaluation, held)
  })
}

/** Other plugins have accepted at these stages all recipients that weren't refused: what refuses now isn't broken. */
function noteAccepted(transaction: HarakaTransaction, ...stages: readonly RefusalStage[]): void {
  const { asksAboutRefusals, settings } = runtime.activeConfig()
  const commands = rcptCommands.get(transaction)
  if (!asksAboutRefusals || settings.refusals.surge === undefined || commands === undefined) return
  const held = refusals.of(transaction)
  const recipients = targetsOf(transaction, commands)
    .filter(({ command }) => !held?.has(command))
    .map(({ command, targets }) => addressKey(command?.address ?? targets[0]?.address ?? ''))
  for (const stage of stages) runtime.surges.accepted(stage, recipients)
}

/** Undefined: no rule can concern the mail; or, with `mode = observe`, it couldn't be evaluated. */
async function evaluate(
  plugin: HarakaPlugin,
  connection: HarakaConnection,
  transaction: HarakaTransaction,
  recipients: readonly Targets<HarakaAddress>[],
): Promise<MailEvaluation | undefined> {
  const activeConfig = runtime.activeConfig()
  const held = refusals.of(transaction)
  const mail = incomingMailOf(connection, transaction, {
    recipients,
    ...(held && { refusalsOf: (command: RcptCommand | undefined) => held.of(command) }),
    contentLimitBytes: activeConfig.settings.content.limitBytes,
    workerThreads: runtime.workerThreads,
    nowMs: runtime.nowMs(),
    nowMonoMs: systemClock.monoMs(),
  })
  deliveries.note(plugin, connection, mail, recipients)
  try {
    const evaluation = await evaluateInTime(mail, activeConfig, () => runtime.queue(), runtime)
    if (evaluation) transaction.results.add(plugin, resultsOf(evaluation))
    return evaluation
  } catch (error) {
    if (activeConfig.settings.main.mode === 'enforce') throw error
    plugin.logwarn(connection, `mode=observe, else a temporary refusal: ${errorText(error)}`)
    return undefined
  }
}

function againLater(plugin: HarakaPlugin, connection: HarakaConnection, why: string): HookAnswer {
  plugin.lognotice(connection, `temporary refusal: a plugin has refused, and ${why}`)
  return { code: denysoft, text: TRY_LATER }
}

function refusal(
  { temporary, reply }: Extract<Plan, { kind: 'refuse' }>,
  { decisions }: MailEvaluation,
  held?: HeldRefusals,
): HookAnswer {
  const [first] = decisions
  const said = first && saysRefusalItself(first) && !temporary ? held?.replyOf(first.refusal) : undefined
  if (said) return { code: said.code, text: said.message }
  return { code: temporary ? denysoft : deny, text: replyText(reply) }
}

/** No rule is about the refusal, or one that rejects and has no words of its own. */
function saysRefusalItself({ rule: name, refusal, fallback }: Decision): boolean {
  if (refusal === undefined || fallback !== undefined) return false
  const rule = runtime.activeConfig().policy.rules.find(one => one.name === name)
  return rule === undefined || 'isRefusalsOwn' in rule.outcome
}

/** Whether the peer isn't a trusted relay. On many servers that is most of the mail. */
function isOthers(connection: HarakaConnection): boolean {
  const activeConfig = runtime.activeConfig()
  return activeConfig.idle || !activeConfig.trusts(connection.remote.ip, authUserOf(connection))
}

/** Hooks queue and queue_outbound: no other plugin has refused the mail, so the decisions are carried out. */
export function commit(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  const { transaction } = connection
  const held = refusals.of(transaction)
  const waiting = transaction ? pending.get(transaction) : undefined
  if (!transaction || (!waiting && !held)) {
    next()
    return
  }
  answerHook(afterData(this, connection, next), async () => {
    const why = held && whyNotQueued(connection, held)
    if (why !== undefined) return againLater(this, connection, why)
    if (waiting) return carryOut(this, connection, transaction, waiting)
    if (held && refusals.isLeft(transaction, held)) throw new Error(WOULD_BE_DELIVERED)
    return NEXT_PLUGIN
  })
}

/** The reason why a mail with refused recipients must not be queued: plugins behind ours may have changed it. */
function whyNotQueued(connection: HarakaConnection, held: HeldRefusals): string | undefined {
  return held.isSettled
    ? refusals.whyNotNow(connection, held)
    : 'another one has ended data_post before the rules were asked'
}

/** Called in place of the plugins that are left, where another one has overridden a refusal of ours. */
export function refuse_again(this: HarakaPlugin, _next: Next, connection: HarakaConnection): void {
  this.lognotice(connection, 'temporary refusal: a plugin has overridden one of ours')
  // as Haraka's queue_respond: an answer to `next` could be overridden as well
  connection.respond(450, TRY_LATER, () => connection.reset_transaction(() => connection.resume()))
}

/** Hooks queue and queue_outbound, after all others: a queue plugin has refused what is left of the mail. */
export function settle_queue_refusal(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  const { transaction } = connection
  const held = refusals.of(transaction)
  if (!transaction || !held || held.isSettled) {
    refusals.yields(this, connection, QUEUE_HOOK)
    next()
    return
  }
  answerHook(afterData(this, connection, next), async () => {
    const why = refusals.whyNotNow(connection, held)
    if (why !== undefined) return againLater(this, connection, why)
    const recipients = targetsOf(transaction, rcptCommands.get(transaction))
    const found = await evaluate(this, connection, transaction, recipients)
    if (!found) throw new Error('no rule was asked about the refusal of a queue plugin')
    const isOne = transaction.rcpt_to.length === 1
    const decisions = isOne ? found.decisions : refusedTogether(found.decisions)
    const evaluation = { ...found, decisions, plan: planFor(decisions) }
    const { plan } = evaluation
    if (plan.kind === 'pass') throw new Error('a refused recipient was accepted')
    held.isSettled = true
    if (plan.kind === 'commit') {
      const targets = recipients.map(one => one.targets)
      return carryOut(this, connection, transaction, { evaluation, plan, targets })
    }
    runtime.counts.evaluated(evaluation, 'enforce')
    log(this, connection, linesOf(evaluation, evaluation.known, 'enforce'))
    return refusal(plan, evaluation, held)
  })
}

/** Hook queue_ok: a queue plugin has accepted the recipients that are left. */
export function note_queued(next: Next, { transaction }: HarakaConnection): void {
  if (transaction) noteAccepted(transaction, 'queue')
  next()
}

async function carryOut(
  plugin: HarakaPlugin,
  connection: HarakaConnection,
  transaction: HarakaTransaction,
  waiting: Pending,
): Promise<HookAnswer> {
  const { policy, settings } = runtime.activeConfig()
  const { evaluation, added, quarantined } = await commitPlan(waiting.evaluation, waiting.plan, {
    store: runtime.mailStore,
    policy,
    settings,
    queue: () => runtime.queue(),
    uuid: transaction.uuid,
    nowMs: runtime.nowMs(),
    forecast: forecast(settings, systemClock.monoMs()),
    pipeRaw: to => pipeRaw(transaction.message_stream, to),
  })
  if (added.size > 0) wakeDispatcher()
  runtime.counts.evaluated(evaluation, 'enforce')
  log(plugin, connection, linesOf(evaluation, new Map([...evaluation.known, ...added]), 'enforce'))
  if (quarantined !== undefined) plugin.lognotice(connection, logLine({ quarantined }))
  const { plan } = evaluation
  const held = refusals.of(transaction)
  if (plan.kind === 'refuse') return refusal(plan, evaluation, held)
  if (plan.kind === 'commit')
    transaction.rcpt_to = withoutConsumed(transaction.rcpt_to, evaluation, plan, waiting.targets)
  if (held && refusals.isLeft(transaction, held)) throw new Error(WOULD_BE_DELIVERED)
  return transaction.rcpt_to.length === 0 ? { code: ok, text: 'Message accepted by policy' } : NEXT_PLUGIN
}

/** Hooks queue and queue_outbound, after `commit`: a server behind Haraka is to refuse each recipient alone. */
export function split_recipients(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  deliveries.split(this, next, connection)
}

/** Hook get_mx: Haraka tries to deliver a mail. */
export function follow_delivery(this: HarakaPlugin, next: Next, mail: OutboundMail): void {
  deliveries.follow(this, next, mail)
}

/** Hook bounce: Haraka has given up on a delivery. */
export function decide_given_up(
  this: HarakaPlugin,
  next: Next,
  mail: OutboundMail,
  error: DeliveryError,
): void {
  deliveries.givenUp(this, next, mail, error)
}

/** Hook deferred: Haraka is to try a delivery again. */
export function decide_deferred(
  this: HarakaPlugin,
  next: Next,
  mail: OutboundMail,
  deferral: Deferral,
): void {
  deliveries.deferred(this, next, mail, deferral)
}

/** Hook delivered, whose parameters begin with host, address, reply, delay, port and protocol. */
export function note_delivered(
  this: HarakaPlugin,
  next: Next,
  mail: OutboundMail,
  params: readonly unknown[],
): void {
  deliveries.delivered(this, next, mail, params[6])
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

/** As `hookCall`; a refusal that another plugin overrides becomes a temporary one, or Haraka would deliver the mail. */
function afterData(plugin: HarakaPlugin, connection: HarakaConnection, next: Next): HookCall {
  return { ...hookCall(plugin, connection, next), ifOverridden: AGAIN_METHOD }
}
