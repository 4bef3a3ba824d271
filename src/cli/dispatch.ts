// `ses-bounce dispatch`: the dispatcher alone, in the foreground, for containers and hosts where Haraka isn't to run it.
// Ends with 0 when it was told to, after the call that is on its way; with 1 where it can't work.

import path from 'node:path'
import { parseArgs } from 'node:util'
import { dispatch } from '../dispatch/main'
import type { Log } from '../dispatch/region-sender'
import { missing } from './check'
import { escaping, type Out } from './out'
import { becomeOwner, ownerOf } from './owner'

export const DISPATCH_USAGE = `ses-bounce dispatch: sends what waits in the queue, without a Haraka

  --dir DIR   the Haraka directory, which holds config/ (default: $HARAKA, else this one)
  --json      one JSON object for each line of the log
  --help

Runs until Ctrl-C or SIGTERM, and finishes the call in progress; a second signal ends it at once. Beside a Haraka that runs, or another one of its
kind, on the same queue one of them sends and the others stand by. As root it becomes the user that smtp.ini names.
Ends with 0 when it was told to, with 1 when the configuration or the queue can't be used, with 2 on wrong options.`

/** Resolves with the exit code. */
export async function dispatchAlone(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const options = readOptions(args, env)
  if ('help' in options) {
    out.line(DISPATCH_USAGE)
    return 0
  }
  const safe = escaping(out)
  const fault = 'fault' in options ? options.fault : missing(options.dir)
  if ('fault' in options || fault !== undefined) {
    safe.error(`ses-bounce dispatch: ${fault}`)
    return 2
  }
  const { dir, json } = options
  const log = logTo(safe, json)
  const told = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      // as process 1 of a container it would outlive a second signal that it doesn't listen to
      if (told.signal.aborted) process.exit(1)
      log('notice', `${signal}: the call in progress is finished; a second signal ends it at once`)
      told.abort()
    })
  try {
    becomeOwner(ownerOf(dir))
    // it also ends when its settings want a new one
    while (!told.signal.aborted) await dispatch(dir, undefined, log, told.signal)
    return 0
  } catch (error) {
    const [first = '', ...more] = (error instanceof Error ? error.message : String(error)).split('\n')
    for (const line of [`ses-bounce dispatch: ${first}`, ...more]) safe.error(line)
    return 1
  }
}

function logTo(out: Out, json: boolean): Log {
  return (level, message) => {
    const at = new Date().toISOString()
    const line = json ? JSON.stringify({ at, level, message }) : `${at} [${level.toUpperCase()}] ${message}`
    out.line(line)
  }
}

function readOptions(
  args: string[],
  env: NodeJS.ProcessEnv,
): { help: true } | { dir: string; json: boolean } | { fault: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        dir: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { help: true }
    if (values.dir === '') return { fault: '--dir needs a directory' }
    return { dir: path.resolve(values.dir ?? env['HARAKA'] ?? ''), json: values.json }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
