// `ses-bounce queue`: shows and changes the queue while Haraka runs.
// If there is no usable queue it shows the reason, exits with 1, and changes nothing.

import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { setTimeout as timer } from 'node:timers/promises'
import type { Command } from 'commander'
import { systemClock } from '../dispatch/clock'
import { errorMessage } from '../errors'
import { type QueueTarget, targetFor } from '../queue/target'
import { actorOf } from './actor'
import { mustBeThere } from './check'
import {
  asGroup,
  type CommonOptions,
  type Describe,
  harakaDir,
  idsOf,
  runCommand,
  type Shell,
  UsageError,
} from './command-line'
import { escaping, type Out } from './out'
import { becomeOwner, ownerOf } from './owner'
import { showAudit } from './queue/audit'
import { changeByFilter, changeById } from './queue/change-jobs'
import { drain } from './queue/drain'
import { showHosts } from './queue/hosts'
import { listJobs } from './queue/list'
import { migrateQueue } from './queue/migrate'
import { moveFrom } from './queue/move'
import {
  type ActionOptions,
  type AuditOptions,
  addAuditFilters,
  addFilters,
  auditFilterOf,
  durationOf,
  everyMs,
  hasFilter,
  type ListOptions,
  queryOf,
  regionOf,
} from './queue/options'
import { flush, pause, resume, showStats } from './queue/pausing'
import { openQueueContext, settingsOf } from './queue/queue-context'
import type { QueueIo, Run } from './queue/run'
import { showJobs } from './queue/show'
import { watch } from './queue/watch'

interface ReasonOptions extends CommonOptions {
  region?: string
  reason?: string
}

type Work<T> = (run: Run, options: T, ids: string[]) => number | Promise<number>

export const describeQueue = (command: Command, { out, env, exit }: Shell, io = standardIo(env)): void => {
  const inQueue = <T extends object>(work: Work<T>) =>
    exit(one => {
      const options = one.optsWithGlobals<T & CommonOptions>()
      const dir = harakaDir(options, env)
      mustBeThere(dir)
      const place = { ...io, out: escaping(out), json: options.json ?? false }
      return withQueue(dir, env, place, run => work(run, options, idsOf(one)))
    })
  const add = (name: string, description: string) => command.command(name).description(description)

  const atTarget = (
    work: (target: QueueTarget, run: TargetRun, options: { from: string }) => Promise<number>,
  ) =>
    exit(one => {
      const options = one.optsWithGlobals<{ from: string } & CommonOptions>()
      const dir = harakaDir(options, env)
      mustBeThere(dir)
      const run = { out: escaping(out), json: options.json ?? false, monoMs: io.monoMs }
      return withTarget(dir, env, io, run.out, target => work(target, run, options))
    })

  asGroup(command, exit)
    .description('Shows and changes the bounces in the queue, also while Haraka runs.')
    .addHelpText(
      'after',
      `
With --json one JSON object a line.
Ends with 0; with 1 when a job isn't there or can't be changed, when the queue isn't or can't be drained, or can't be
used; with 2 on wrong options.`,
    )
  addFilters(add('list', 'lists the jobs: waiting ones by deadline, then ended ones, latest first')).action(
    inQueue<ListOptions>((run, options) => listJobs(run, queryOf(options, run.nowMs()))),
  )
  add('show <ID...>', 'shows the whole record of a job, and the SendBounce call').action(
    inQueue((run, _, ids) => showJobs(run, ids)),
  )
  for (const [word, description] of [
    ['retry', 'held, failed, expired, cancelled -> queued, where the job can still start in time'],
    ['cancel', 'queued, held -> cancelled'],
    ['hold', 'queued -> held, until you retry or cancel it'],
  ] as const)
    addFilters(add(`${word} [ID...]`, `${description}; jobs by their ids, or by a filter`))
      .option('--dry-run', 'shows what a filter finds, and changes nothing')
      .option('-y, --yes', "doesn't ask before it changes what a filter finds; needed without a terminal")
      .option('--because <TEXT>', 'your reason, for the audit and the history')
      .hook('preAction', one => mustNameJobs(one, word))
      .action(
        inQueue<ActionOptions>((run, options, ids) => {
          const { dryRun = false, yes = false, because } = options
          const more = { dryRun, yes, ...(because !== undefined && { because }) }
          return ids.length > 0
            ? changeById(run, word, ids, more)
            : changeByFilter(run, word, queryOf(options, run.nowMs()), more)
        }),
      )
  add('flush', 'tries waiting jobs now, not after their pause; also senders and regions that SES refuses')
    .option('--region <REGION>', 'only there; with an account ACCOUNT/REGION', regionOf)
    .option('--reason <TEXT>', 'why, for the audit and the history')
    .action(inQueue<ReasonOptions>((run, options) => flush(run, options)))
  add('stats', 'shows the number of jobs by state, rule and region, and the time to send them').action(
    inQueue(showStats),
  )
  add('pause', 'sends nothing until `resume`, also after a restart; jobs wait, and expire at their deadline')
    .option('--region <REGION>', 'only there; with an account ACCOUNT/REGION', regionOf)
    .option('--reason <TEXT>', 'why; it is shown with the pause, also where no token is needed')
    .action(inQueue<ReasonOptions>((run, options) => pause(run, options)))
  add('resume', 'ends all pauses')
    .option('--region <REGION>', 'only there; with an account ACCOUNT/REGION', regionOf)
    .option('--reason <TEXT>', 'why, for the audit')
    .action(inQueue<ReasonOptions>((run, options) => resume(run, options)))
  addAuditFilters(add('audit', 'shows what people did by hand, latest first')).action(
    inQueue<AuditOptions>((run, options) => showAudit(run, auditFilterOf(options, run.nowMs()))),
  )
  add('watch', 'shows the queue again and again, until Ctrl-C')
    .option('--every <TIME>', 'the time between (default: 2s on a terminal, else 5s)', everyMs)
    .action(inQueue<{ every?: number }>((run, { every }) => watch(run, every)))
  add('drain', "tells whether jobs still wait; held ones don't count")
    .option('--wait', 'waits until none does')
    .option('--timeout <TIME>', 'but no longer than that', durationOf('--timeout'))
    .hook('preAction', one => {
      const { wait, timeout } = one.opts<{ wait?: true; timeout?: number }>()
      if (timeout !== undefined && !wait) throw new UsageError('--timeout goes with --wait')
    })
    .action(
      inQueue<{ wait?: true; timeout?: number }>((run, { wait = false, timeout }) =>
        drain(run, { wait, ...(timeout !== undefined && { timeoutMs: timeout }) }),
      ),
    )
  add('hosts', 'shows the hosts that share the queue, and the one that sends').action(inQueue(showHosts))
  add('migrate', "brings the database's tables and functions to the version of this program").action(
    atTarget((target, { out: safe, json }) => migrateQueue(target, safe, json)),
  )
  add('move', 'moves what a queue file holds into the database; Haraka must be stopped')
    .requiredOption('--from <FILE>', 'the file, as [queue] path named it')
    .action(atTarget((target, run, { from }) => moveFrom(path.resolve(from), target, run)))
}

/** Resolves with the exit code. */
export function queue(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  io?: QueueIo,
): Promise<number> {
  const describe: Describe = (command, shell) => describeQueue(command, shell, io)
  return runCommand('queue', describe, args, { out, env })
}

/** @throws UsageError */
function mustNameJobs(command: Command, word: string): void {
  const options = command.opts<ActionOptions>()
  const isFiltered = hasFilter(options)
  if (command.args.length > 0 && (isFiltered || options.dryRun))
    throw new UsageError(`${word} has ids or a filter, not both; --dry-run goes with a filter`)
  if (command.args.length === 0 && !isFiltered)
    throw new UsageError(
      `${word} needs the ids of jobs, or a filter such as --region; see ses-bounce queue ${word} --help`,
    )
}

interface TargetRun {
  out: Out
  json: boolean
  monoMs: QueueIo['monoMs']
}

/** Runs work that is done before a queue can be opened. */
async function withTarget(
  dir: string,
  env: NodeJS.ProcessEnv,
  { become }: QueueIo,
  out: Out,
  work: (target: QueueTarget) => Promise<number>,
): Promise<number> {
  try {
    const owner = ownerOf(dir)
    const target = targetFor(settingsOf(dir, env).queue, dir)
    become(owner)
    return await work(target)
  } catch (error) {
    for (const line of errorMessage(error).split('\n')) out.error(`ses-bounce queue: ${line}`)
    return 1
  }
}

async function withQueue(
  dir: string,
  env: NodeJS.ProcessEnv,
  io: QueueIo & Pick<Run, 'out' | 'json'>,
  work: (run: Run) => number | Promise<number>,
): Promise<number> {
  const opened = await openQueueContext(dir, env, io.become)
  const say = (why: string) => {
    for (const line of why.split('\n')) io.out.error(`ses-bounce queue: ${line}`)
    return 1
  }
  if ('fault' in opened) return say(opened.fault.why)
  const place = opened.value
  try {
    const { clock } = place.queue
    if (io.nowMs === undefined) await clock.learn()
    return await work({ ...io, nowMs: io.nowMs ?? (() => clock.nowMs()), place })
  } catch (error) {
    if (error instanceof UsageError) throw error
    return say(errorMessage(error))
  } finally {
    await place.queue.close()
  }
}

function standardIo(env: NodeJS.ProcessEnv): QueueIo {
  const { stdout } = process
  return {
    monoMs: () => systemClock.monoMs(),
    sleep: async (ms, signal) => {
      await timer(ms, undefined, { ...(signal && { signal }) }).catch(() => undefined)
    },
    screen: stdout.isTTY && process.env['TERM'] !== 'dumb' ? stdout : undefined,
    become: becomeOwner,
    stopped: untilStopped,
    ask: process.stdin.isTTY && stdout.isTTY ? askOnTerminal : undefined,
    actor: actorOf(env),
  }
}

/** The end of the input, and Ctrl-C, are an empty answer. */
async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const ended = once(terminal, 'close').then(() => '')
  try {
    const answered = terminal.question(question).catch(() => {
      process.stdout.write('\n')
      return ''
    })
    return await Promise.race([answered, ended])
  } finally {
    terminal.close()
  }
}

function untilStopped(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) void once(process, name).then(() => stop.abort())
  return stop.signal
}
