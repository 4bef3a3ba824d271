// `ses-bounce dispatch`: the dispatcher alone in the foreground, for containers and for hosts without a Haraka.
// Exits with 0 when it was stopped, after the call in progress; with 1 if it can't work.

import { dispatch } from '../dispatch/main'
import { errorMessage } from '../errors'
import { mustBeThere } from './check'
import { type CommonOptions, type Describe, harakaDir, runCommand } from './command-line'
import { watchAsHost } from './dispatch-host'
import { logTo, stoppedBySignals } from './long-running'
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
  const stop = stoppedBySignals(log, 'the call in progress')
  try {
    becomeOwner(ownerOf(dir))
    const host = watchAsHost(dir, env, log)
    try {
      // `dispatch` also ends when changed settings need a new dispatcher
      while (!stop.aborted) await dispatch(dir, undefined, log, stop)
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
