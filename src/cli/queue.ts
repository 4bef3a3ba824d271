// `ses-bounce queue`: the queue as it is now, and changes to it by hand, beside a Haraka that runs.
// A queue that isn't there or can't be used ends it with 1 and a clear word, and is left as it is.

import { once } from 'node:events'
import { setTimeout as timer } from 'node:timers/promises'
import { systemClock } from '../dispatch/clock'
import { missing } from './check'
import { escaping, type Out } from './out'
import { becomeOwner } from './owner'
import { drain } from './queue/drain'
import { changeJobs, listJobs, showJobs } from './queue/jobs'
import { type QueueTask, readOptions } from './queue/options'
import { pause, resume, showStats } from './queue/pausing'
import { openQueueContext, wordsOf } from './queue/queue-context'
import type { QueueIo, Run } from './queue/run'
import { watch } from './queue/watch'

export const QUEUE_USAGE = `ses-bounce queue COMMAND: the bounces that wait and those that were made, beside a Haraka that runs

  list            a line for each job: what waits by its deadline, then what has ended, latest first
    --state STATE     queued, sending, held, sent, failed, expired, cancelled; several with commas
    --region REGION, --rule RULE, --sender ADDRESS or @HOST, --recipient ADDRESS, --ses-id ID
    --limit NUMBER
  show ID ...     all that is on record of a job, and the SendBounce call
  retry ID ...    held, failed, expired, cancelled -> queued, where it can still start in time
  cancel ID ...   queued, held -> cancelled
  hold ID ...     queued -> held, until you retry or cancel it
  stats           how much there is, by state, rule and region, and how long it will take
  pause           nothing is sent until \`resume\`, also after a restart; jobs wait, and expire at their deadline
    --region REGION   only there
  resume          all that is paused
    --region REGION   only there
  watch           how it goes on, until Ctrl-C
    --every TIME      (default: 2s on a terminal, else 5s)
  drain           whether nothing waits any more; what is held doesn't count
    --wait            until then
    --timeout TIME    but no longer

  --dir DIR       the Haraka directory, which holds config/ (default: $HARAKA, else this one)
  --json          one JSON object a line
  --help

Ends with 0; with 1 when a job isn't there or can't be changed, when the queue isn't or can't be drained, or can't be
used; with 2 on wrong options.`

/** Resolves with the exit code. */
export async function queue(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  io: QueueIo = standardIo(),
): Promise<number> {
  const options = readOptions(args, env)
  if ('help' in options) {
    out.line(QUEUE_USAGE)
    return 0
  }
  const safe = escaping(out)
  const fault = 'fault' in options ? options.fault : missing(options.dir)
  if (fault !== undefined || 'fault' in options) {
    safe.error(`ses-bounce queue: ${fault ?? ''}`)
    return 2
  }
  const place = openQueueContext(options.dir, env, io.become)
  if ('faults' in place) {
    for (const line of place.faults) safe.error(`ses-bounce queue: ${line}`)
    return 1
  }
  try {
    return await runTask({ ...io, place, out: safe, json: options.json }, options.task)
  } catch (error) {
    for (const line of wordsOf(error)) safe.error(`ses-bounce queue: ${line}`)
    return 1
  } finally {
    place.queue.close()
  }
}

async function runTask(run: Run, task: QueueTask): Promise<number> {
  switch (task.word) {
    case 'list':
      return listJobs(run, task.filter, task.limit)
    case 'show':
      return showJobs(run, task.ids)
    case 'retry':
    case 'cancel':
    case 'hold':
      return changeJobs(run, task.word, task.ids)
    case 'stats':
      return showStats(run)
    case 'pause':
      return pause(run, task.region)
    case 'resume':
      return resume(run, task.region)
    case 'watch':
      return watch(run, task.everyMs)
    case 'drain':
      return drain(run, task)
  }
}

function standardIo(): QueueIo {
  const { stdout } = process
  return {
    nowMs: () => Date.now(),
    monoMs: () => systemClock.monoMs(),
    sleep: async (ms, signal) => {
      await timer(ms, undefined, { ...(signal && { signal }) }).catch(() => undefined)
    },
    screen: stdout.isTTY && process.env['TERM'] !== 'dumb' ? stdout : undefined,
    become: becomeOwner,
    stopped: untilStopped,
  }
}

function untilStopped(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) void once(process, name).then(() => stop.abort())
  return stop.signal
}
