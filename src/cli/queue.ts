// `ses-bounce queue`: shows and changes the queue while Haraka runs.
// If there is no usable queue it shows the reason, exits with 1, and changes nothing.

import { once } from 'node:events'
import path from 'node:path'
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
import { drain } from './queue/drain'
import { showHosts } from './queue/hosts'
import { changeJobs, listJobs, showJobs } from './queue/jobs'
import { migrateQueue } from './queue/migrate'
import { moveFrom } from './queue/move'
import { addFilters, durationOf, everyMs, type ListOptions, queryOf, regionOf } from './queue/options'
import { pause, resume, showStats } from './queue/pausing'
import { openQueueContext, settingsOf } from './queue/queue-context'
import type { QueueIo, Run } from './queue/run'
import { watch } from './queue/watch'

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
    inQueue<ListOptions>((run, options) => listJobs(run, queryOf(options))),
  )
  add('show <ID...>', 'shows the whole record of a job, and the SendBounce call').action(
    inQueue((run, _, ids) => showJobs(run, ids)),
  )
  for (const [word, description] of [
    ['retry', 'held, failed, expired, cancelled -> queued, where the job can still start in time'],
    ['cancel', 'queued, held -> cancelled'],
    ['hold', 'queued -> held, until you retry or cancel it'],
  ] as const)
    add(`${word} <ID...>`, description).action(inQueue((run, _, ids) => changeJobs(run, word, ids)))
  add('stats', 'shows the number of jobs by state, rule and region, and the time to send them').action(
    inQueue(showStats),
  )
  add('pause', 'sends nothing until `resume`, also after a restart; jobs wait, and expire at their deadline')
    .option('--region <REGION>', 'only there; with an account ACCOUNT/REGION', regionOf)
    .action(inQueue<{ region?: string }>((run, { region }) => pause(run, region)))
  add('resume', 'ends all pauses')
    .option('--region <REGION>', 'only there; with an account ACCOUNT/REGION', regionOf)
    .action(inQueue<{ region?: string }>((run, { region }) => resume(run, region)))
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

interface TargetRun {
  out: Out
  json: boolean
  monoMs: QueueIo['monoMs']
}

/** For what is done before a queue can be opened. */
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
    actor: actorOf(env),
  }
}

function untilStopped(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) void once(process, name).then(() => stop.abort())
  return stop.signal
}
