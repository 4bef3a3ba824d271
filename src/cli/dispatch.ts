// `ses-bounce dispatch`: the dispatcher alone in the foreground, for containers and for hosts without a Haraka.
// Exits with 0 when it was stopped, after the call in progress; with 1 if it can't work.

import { dispatch } from '../dispatch/main'
import type { Log } from '../dispatch/region-sender'
import { errorMessage } from '../errors'
import { jsonText } from '../json'
import { mustBeThere } from './check'
import { type CommonOptions, type Describe, harakaDir, runCommand } from './command-line'
import { watchAsHost } from './dispatch-host'
import { escaping, type Out } from './out'
import { becomeOwner, ownerOf } from './owner'

export const describeDispatch: Describe = (command, { out, env, exit }) => {
  command
    .description('Sends the jobs of the queue, without a Haraka, until Ctrl-C or SIGTERM.')
    .addHelpText(
      'after',
      `
A signal lets the call in progress end; a second one ends it at once. Beside a running Haraka, or another dispatcher on
the same queue, one of them sends and the others stand by. As root it becomes the user that smtp.ini names.
With --json each line of the log is a JSON object.
Ends with 0 after a signal, with 1 when the configuration or the queue can't be used, with 2 on wrong options.`,
    )
    .action(exit(one => dispatchJobs(one.optsWithGlobals(), out, env)))
}

/** Resolves with the exit code. */
export function dispatchAlone(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return runCommand('dispatch', describeDispatch, args, { out, env })
}

async function dispatchJobs(
  { json = false, ...common }: CommonOptions,
  out: Out,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const dir = harakaDir(common, env)
  mustBeThere(dir)
  const safe = escaping(out)
  const log = logTo(safe, json)
  const told = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      // as process 1 of a container it would survive a second signal without a listener
      if (told.signal.aborted) process.exit(1)
      log('notice', `${signal}: the call in progress is finished; a second signal ends it at once`)
      told.abort()
    })
  try {
    becomeOwner(ownerOf(dir))
    const host = watchAsHost(dir, env, log)
    try {
      // `dispatch` also ends when changed settings need a new dispatcher
      while (!told.signal.aborted) await dispatch(dir, undefined, log, told.signal)
    } finally {
      await host?.stop()
    }
    return 0
  } catch (error) {
    const [first = '', ...more] = errorMessage(error).split('\n')
    for (const line of [`ses-bounce dispatch: ${first}`, ...more]) safe.error(line)
    return 1
  }
}

function logTo(out: Out, json: boolean): Log {
  return (level, message) => {
    const at = new Date().toISOString()
    const line = json ? jsonText({ at, level, message }) : `${at} [${level.toUpperCase()}] ${message}`
    out.line(line)
  }
}
